/*
 * pcm_cards: which sound cards there are, who they are and who holds them.
 * Supervisor and tools only. Private to drivers/.
 */
#ifndef TAKEBOX_PCM_CARDS_H
#define TAKEBOX_PCM_CARDS_H

#include <alsa/asoundlib.h>

#include "drivers/pcm.h"

/*
 * alsa-lib would write its complaints to standard error, several lines for a
 * device that is merely missing, from any thread. From here on it does not; the
 * first of them goes into text (while this thread has one; NULL: none), for a
 * line that says why.
 */
void pcm_cards_listen(char *text, size_t size);

/* The first capture device by card order, as "hw:CARD=id,DEV=n". */
int pcm_cards_first(char *device, size_t size);

/* Who holds the capture side of device, "name (pid n)"; "" if not known. */
void pcm_cards_holder(const char *device, char *holder, size_t size);

bool pcm_cards_is_usb(snd_pcm_t *handle);

/* Fills in name and identity of an open device. */
void pcm_cards_describe(snd_pcm_t *handle, struct pcm_setup *setup);

#endif
