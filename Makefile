# Takebox: see `make help`.

BUILD   ?= build
PREFIX  ?= /usr/local
DESTDIR ?=
CC      ?= cc
PKG_CONFIG ?= pkg-config
PYTHON  ?= python3
CACHE   ?= $(CURDIR)/.cache
export CACHE

VERSION := $(shell cat VERSION)

# What is linked from the system. Includes of <alsa/> stay in drivers/.
PKGS      := alsa flac jansson libconfig libgpiod
WARNINGS  := -Wall -Wextra -Wshadow -Wmissing-prototypes -Wpedantic -Werror
OPT       ?= -O2 -g
SANITIZE  ?=
CPPFLAGS  += -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -Ifirmware -I. \
             -DTAKEBOX_VERSION='"$(VERSION)"' $(EXTRA_CPPFLAGS)
CFLAGS    += -std=c11 $(OPT) $(WARNINGS) $(SANITIZE) -fno-math-errno \
             -pthread -fPIC -MMD -MP
LDFLAGS   += $(SANITIZE) -pthread $(EXTRA_LDFLAGS)

# A few loops are worth more than -O2: arm64's gcc 12 needs -O3 to vectorise
# them, and they are the whole cost of the recorder beside libFLAC.
HOT := engine/deinterleave engine/meter take/md5_lanes

ifneq ($(MAKECMDGOALS),clean)
ifneq ($(MAKECMDGOALS),help)
PKG_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(PKGS) 2>/dev/null)
ALSA_LIBS   = $(shell $(PKG_CONFIG) --libs alsa)
TAPE_LIBS   = $(ALSA_LIBS) -lm
DAEMON_LIBS = $(shell $(PKG_CONFIG) --libs alsa flac jansson libconfig \
                libgpiod) -lm
TOOL_LIBS   = $(shell $(PKG_CONFIG) --libs alsa flac jansson libconfig \
                libgpiod ncursesw) -lm
# libFLAC exports this since 1.2 but has it in no header (xiph/flac #547).
HAVE_SET_DO_MD5 := $(shell printf 'int FLAC__stream_encoder_set_do_md5(void*,int);int main(void){return FLAC__stream_encoder_set_do_md5(0,0);}' | $(CC) -x c - -o /dev/null -lFLAC 2>/dev/null && echo 1 || echo 0)
CPPFLAGS += -DHAVE_SET_DO_MD5=$(HAVE_SET_DO_MD5)
endif
endif

# libgpiod 2 is another library than 1; each has its file.
GPIO_OTHER := $(if $(filter 1.%,$(shell $(PKG_CONFIG) --modversion libgpiod 2>/dev/null)),2,1)

ENGINE_SRC := $(wildcard firmware/engine/*.c)
LIB_SRC    := $(wildcard firmware/base/*.c firmware/engine/*.c \
                firmware/take/*.c firmware/transport/*.c \
                firmware/surface/*.c drivers/*.c)
LIB_SRC    := $(filter-out drivers/gpio_v$(GPIO_OTHER).c,$(LIB_SRC))
TOOL_SRC   := $(wildcard tools/*.c)
UNIT_SRC   := $(wildcard tests/unit/test_*.c)
PERF_SRC   := $(wildcard tests/perf/*.c)
FUZZ_SRC   := $(wildcard tests/fuzz/*.c)

LIB_OBJ    := $(LIB_SRC:%.c=$(BUILD)/obj/%.o)
TOOL_OBJ   := $(TOOL_SRC:%.c=$(BUILD)/obj/%.o)
UNIT       := $(UNIT_SRC:tests/unit/%.c=$(BUILD)/tests/%)
PERF       := $(PERF_SRC:tests/perf/%.c=$(BUILD)/perf/%)

PROGRAMS   := $(BUILD)/takebox-tape $(BUILD)/takeboxd $(BUILD)/takebox
PLUGIN     := $(BUILD)/libasound_module_pcm_takebox_virtual.so
VIRTUAL_CONF   := $(BUILD)/virtual.conf
VIRTUAL_OBJ    := $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard drivers/virtual/*.c))
VIRTUAL_READER := $(BUILD)/e2e/virtual_reader

# `make V=1` shows the commands.
Q   := $(if $(V),,@)
say  = $(if $(V),,@printf '  %-5s %s\n' $(1) $(patsubst $(CURDIR)/%,%,$(2)))

.DEFAULT_GOAL := all
.SECONDARY: # objects are kept
.PHONY: all unit clean help

# Where there is no dtc, there are no overlays.
OVERLAYS := $(if $(shell command -v dtc),$(patsubst board/%.dts,$(BUILD)/%.dtbo,$(wildcard board/overlays/*.dts)))

all: $(PROGRAMS) $(PLUGIN) $(VIRTUAL_CONF) $(OVERLAYS) ## build everything into build/

$(HOT:%=$(BUILD)/obj/firmware/%.o): OPT += -O3

$(BUILD)/obj/%.o: %.c Makefile VERSION
	@mkdir -p $(@D)
	$(call say,cc,$<)
	$(Q)$(CC) $(CPPFLAGS) $(PKG_CFLAGS) $(CFLAGS) -c $< -o $@

$(BUILD)/libtakebox.a: $(LIB_OBJ)
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

$(BUILD)/takebox-tape: $(BUILD)/obj/firmware/takebox_tape.o $(BUILD)/libtakebox.a
	$(call say,link,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(TAPE_LIBS)

$(BUILD)/takeboxd: $(BUILD)/obj/firmware/takeboxd.o $(BUILD)/libtakebox.a
	$(call say,link,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(DAEMON_LIBS)

$(BUILD)/takebox: $(TOOL_OBJ) $(BUILD)/libtakebox.a
	$(call say,link,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(TOOL_LIBS)

$(PLUGIN): $(VIRTUAL_OBJ)
	$(call say,link,$@)
	$(Q)$(CC) $(LDFLAGS) -shared -o $@ $^ $(ALSA_LIBS) -lm

$(VIRTUAL_CONF): board/virtual/asound.conf.in $(PLUGIN)
	sed 's|@PLUGIN@|$(abspath $(PLUGIN))|' $< > $@

$(BUILD)/overlays/%.dtbo: board/overlays/%.dts
	@mkdir -p $(@D)
	$(call say,dtc,$@)
	$(Q)dtc -q -@ -I dts -O dtb -o $@ $<

$(BUILD)/tests/test_virtual%: $(BUILD)/obj/tests/unit/test_virtual%.o $(VIRTUAL_OBJ)
	@mkdir -p $(@D)
	$(call say,link,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(ALSA_LIBS) -lm -lcmocka

$(VIRTUAL_READER): $(BUILD)/obj/tests/e2e/virtual_reader.o
	@mkdir -p $(@D)
	$(call say,link,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(ALSA_LIBS) -lm

STOCK_FLAC := $(BUILD)/obj/tests/support/stock_flac.o
$(BUILD)/tests/%: $(BUILD)/obj/tests/unit/%.o $(STOCK_FLAC) $(BUILD)/libtakebox.a
	@mkdir -p $(@D)
	$(call say,link,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(DAEMON_LIBS) -lcmocka

$(BUILD)/e2e/segments: $(BUILD)/obj/tests/e2e/segments.o $(BUILD)/libtakebox.a
	@mkdir -p $(@D)
	$(call say,link,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(DAEMON_LIBS)

$(BUILD)/e2e/keeper: $(BUILD)/obj/tests/e2e/keeper.o
	@mkdir -p $(@D)
	$(call say,link,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^

$(BUILD)/e2e/%.so: $(BUILD)/obj/tests/e2e/%.o
	@mkdir -p $(@D)
	$(call say,link,$@)
	$(Q)$(CC) $(LDFLAGS) -shared -o $@ $^

$(BUILD)/perf/%: $(BUILD)/obj/tests/perf/%.o $(BUILD)/libtakebox.a
	@mkdir -p $(@D)
	$(call say,link,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(DAEMON_LIBS)

# What drives GPIO lines in the guest. Nothing but drivers/gpio*, so that it is
# built in seconds where there is another libgpiod.
GPIO_TEST := $(BUILD)/bench/gpio_lines $(BUILD)/bench/gpio_chips
GPIO_OBJ  := $(filter $(BUILD)/obj/drivers/gpio%,$(LIB_OBJ))
$(GPIO_TEST): %: $(BUILD)/obj/tests/bench/gpio_case.o \
  $(BUILD)/obj/tests/bench/sim.o $(BUILD)/obj/tests/bench/expander.o $(GPIO_OBJ)
$(GPIO_TEST): $(BUILD)/bench/%: $(BUILD)/obj/tests/bench/%.o
	@mkdir -p $(@D)
	$(call say,link,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(shell $(PKG_CONFIG) --libs libgpiod) -lcmocka

$(BUILD)/bench/%: $(BUILD)/obj/tests/bench/%.o
	@mkdir -p $(@D)
	$(call say,link,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^

USB_AUDIO_OBJ := $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard tests/bench/usb_audio/*.c))
$(BUILD)/bench/usb_audio: $(USB_AUDIO_OBJ)
	@mkdir -p $(@D)
	$(call say,link,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ -lm

$(BUILD)/bench/powercut: $(patsubst %,$(BUILD)/obj/tests/bench/%.o,\
  powercut marks takes unhealed write_log) $(STOCK_FLAC) $(BUILD)/libtakebox.a
$(BUILD)/bench/account: $(patsubst %,$(BUILD)/obj/tests/bench/%.o,\
  account account_take account_tape) $(BUILD)/libtakebox.a
$(BUILD)/bench/long_file: $(BUILD)/obj/tests/bench/long_file.o \
  $(BUILD)/libtakebox.a
$(BUILD)/bench/account $(BUILD)/bench/powercut $(BUILD)/bench/witness \
  $(BUILD)/bench/long_file:
	@mkdir -p $(@D)
	$(call say,link,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(DAEMON_LIBS)
$(BUILD)/bench/witness: $(BUILD)/obj/tests/bench/witness.o

# The parts of takebox that need neither terminal nor recorder have tests.
TOOL_TESTED := bar board_draw board_table wiring panel_layout panel_model text track_list view wire
$(TOOL_TESTED:%=$(BUILD)/tests/test_%): $(BUILD)/obj/tools/client.o \
  $(TOOL_TESTED:%=$(BUILD)/obj/tools/%.o)

$(BUILD)/tests/test_account: $(BUILD)/obj/tests/bench/account_take.o \
  $(BUILD)/obj/tests/bench/account_tape.o

# An encoder that is as slow as the test wants it.
$(BUILD)/tests/test_take_pace: LDFLAGS += -Wl,--wrap=encoder_feed
# What making silence takes, and what comes between two tracks' files.
$(BUILD)/tests/test_take_silence: LDFLAGS += -Wl,--wrap=encoder_feed \
  -Wl,--wrap=md5_update,--wrap=md5_update_bytes,--wrap=md5_zeros_advance \
  -Wl,--wrap=take_add_file,--wrap=take_encode_slice
# One that cannot finish.
$(BUILD)/tests/test_track: LDFLAGS += -Wl,--wrap=FLAC__stream_encoder_finish
# Levels that change all the time.
$(BUILD)/tests/test_take_memory: LDFLAGS += -Wl,--wrap=pace_look
# One allocation fails.
$(BUILD)/tests/test_starved: LDFLAGS += -Wl,--wrap=malloc \
  -Wl,--wrap=FLAC__stream_decoder_init_stream
# A read that fails.
$(BUILD)/tests/test_ledger: LDFLAGS += -Wl,--wrap=pread64
# A file that a file system has lost all but the beginning of.
$(BUILD)/tests/test_heal_clusters: LDFLAGS += -Wl,--wrap=pread64,--wrap=pwrite64
# Names that are given, and synced; a medium that holds no large files.
$(BUILD)/tests/test_fill: LDFLAGS += -Wl,--wrap=renameat,--wrap=fsync,--wrap=fdatasync \
  -Wl,--wrap=storage_measure
# The power is cut.
$(BUILD)/tests/test_replace: LDFLAGS += -Wl,--wrap=renameat,--wrap=unlinkat \
  -Wl,--wrap=mkdirat,--wrap=fsync,--wrap=fdatasync
# A look at a take that is older than the take; one allocation fails.
$(BUILD)/tests/test_transport: LDFLAGS += -Wl,--wrap=take_get_status \
  -Wl,--wrap=malloc -Wl,--wrap=calloc
# Media that stand still, and fail.
$(BUILD)/tests/test_transport $(BUILD)/tests/test_transport_asked \
$(BUILD)/tests/test_transport_two $(BUILD)/tests/test_transport_renewed \
$(BUILD)/tests/test_transport_rests $(BUILD)/tests/test_transport_found \
$(BUILD)/tests/test_transport_hangs $(BUILD)/tests/test_transport_power \
$(BUILD)/tests/test_transport_copies \
$(BUILD)/tests/test_transport_media: LDFLAGS += -Wl,--wrap=fdatasync
# What is written down before a take makes anything.
$(BUILD)/tests/test_transport_found: LDFLAGS += -Wl,--wrap=take_go
# One that hangs when a name is claimed there.
$(BUILD)/tests/test_transport_two: LDFLAGS += -Wl,--wrap=openat64
# Folders that are made safe, or not.
$(BUILD)/tests/test_fill_folders: LDFLAGS += -Wl,--wrap=fsync
# One that cannot be read.
$(BUILD)/tests/test_transport_hangs: LDFLAGS += -Wl,--wrap=openat64 \
  -Wl,--wrap=open64
# Sticks that are plugged in.
$(BUILD)/tests/test_transport_media: LDFLAGS += -Wl,--wrap=media_list \
  -Wl,--wrap=media_path

unit: $(UNIT) $(PERF)

# ---- running ----

JOBS := -j$(shell nproc)

.PHONY: run setup-build setup-test
setup-build:
	@tools/setup.sh build
setup-test:
	@tools/setup.sh build test

# Sub-makes: what pkg-config finds may have been installed just before.
run: setup-build ## record: on the first interface, or the virtual one
	@$(MAKE) $(JOBS) --no-print-directory all
	@BUILD=$(BUILD) tools/make_run.sh

# ---- boards ----

.PHONY: drawings
drawings: all ## make the tables and drawings in board/ from the board files
	for board in board/*.board; do \
	  $(BUILD)/takebox board table $$board > $${board%.board}.md && \
	  $(BUILD)/takebox board draw $$board > $${board%.board}.svg || exit; \
	done

# ---- testing ----

gpio-tests: $(GPIO_TEST)

.PHONY: gpio-tests test check tests asan tsan fuzz fuzzers asan-build tsan-build
BENCH := $(BUILD)/bench/compare $(BUILD)/bench/stall $(BUILD)/bench/pull $(BUILD)/bench/usb_audio \
         $(BUILD)/bench/presses $(BUILD)/bench/powercut \
         $(BUILD)/bench/witness $(BUILD)/bench/account \
         $(BUILD)/bench/long_file \
         $(GPIO_TEST)
E2E := $(VIRTUAL_READER) $(BUILD)/e2e/segments $(BUILD)/e2e/keeper $(BUILD)/e2e/hang.so \
       $(BUILD)/e2e/clock.so \
       $(BUILD)/e2e/starve.so $(BENCH)

test: setup-test ## install, build and run all tests
	@$(MAKE) $(JOBS) --no-print-directory tests
	@$(MAKE) $(JOBS) --no-print-directory asan-build
	@$(MAKE) $(JOBS) --no-print-directory tsan-build
	@$(MAKE) $(JOBS) --no-print-directory fuzzers
	@BUILD=$(BUILD) tests/run.sh

tests: all unit $(E2E)

check: tests ## the quick tests: modules and programs, no sanitizers, no VM
	BUILD=$(BUILD) tests/run.sh rt unit e2e

ASAN := -fsanitize=address,undefined -fno-omit-frame-pointer \
        -fno-sanitize-recover=undefined -Wno-format-truncation \
        -Wno-maybe-uninitialized
asan-build:
	@$(MAKE) --no-print-directory tests BUILD=$(BUILD)/asan OPT="-O1 -g" \
	  SANITIZE="$(ASAN)"
tsan-build:
	@$(MAKE) --no-print-directory tests BUILD=$(BUILD)/tsan OPT="-O1 -g" \
	  SANITIZE="-fsanitize=thread -Wno-tsan -Wno-format-truncation"

asan: asan-build ## tests under the address and undefined-behaviour sanitizers
	BUILD=$(BUILD) tests/run.sh asan

tsan: tsan-build ## tests under the thread sanitizer
	BUILD=$(BUILD) tests/run.sh tsan

# libFuzzer is clang's. FUZZ_SECONDS=600 make fuzz
FUZZ := $(FUZZ_SRC:tests/fuzz/%.c=$(BUILD)/fuzz/%)
FUZZ_BUILD := $(BUILD)/fuzz-obj
fuzzers:
	@$(MAKE) --no-print-directory fuzz-programs BUILD=$(FUZZ_BUILD) CC=clang \
	  OPT="-O1 -g" FUZZ_OUT=$(BUILD)/fuzz \
	  SANITIZE="-fsanitize=fuzzer-no-link,address,undefined"
.PHONY: fuzz-programs
fuzz-programs: $(FUZZ_SRC:tests/fuzz/%.c=$(FUZZ_OUT)/%)
$(FUZZ_OUT)/%: $(BUILD)/obj/tests/fuzz/%.o $(BUILD)/libtakebox.a \
  $(BUILD)/obj/tools/client.o $(TOOL_TESTED:%=$(BUILD)/obj/tools/%.o)
	@mkdir -p $(@D)
	$(call say,link,$@)
	$(Q)$(CC) -fsanitize=fuzzer,address,undefined -pthread -o $@ \
	  $< $(filter $(BUILD)/obj/tools/%,$^) \
	  $(BUILD)/libtakebox.a $(DAEMON_LIBS)

fuzz: fuzzers ## fuzz the parsers, FUZZ_SECONDS (10) each
	BUILD=$(BUILD) tests/run.sh fuzz

# ---- installing ----

MAN1 := tools/takebox.1
MAN5 := firmware/takebox.conf.5 firmware/takebox.board.5
MAN8 := $(wildcard firmware/*.8)
BASH_COMPLETION := tools/takebox.bash-completion

.PHONY: install
install: all ## put programs, man pages and configuration in place
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/sbin \
	  $(DESTDIR)$(PREFIX)/share/takebox $(DESTDIR)/etc/takebox \
	  $(DESTDIR)$(PREFIX)/share/man/man1 \
	  $(DESTDIR)$(PREFIX)/share/man/man5 \
	  $(DESTDIR)$(PREFIX)/share/man/man8 \
	  $(DESTDIR)$(PREFIX)/share/bash-completion/completions
	install -d $(DESTDIR)$(PREFIX)/share/takebox/overlays
	$(if $(OVERLAYS),install -m 644 $(OVERLAYS) $(DESTDIR)$(PREFIX)/share/takebox/overlays)
	install $(BUILD)/takebox $(DESTDIR)$(PREFIX)/bin
	install $(BUILD)/takebox-tape $(DESTDIR)$(PREFIX)/bin
	install $(BUILD)/takeboxd $(DESTDIR)$(PREFIX)/sbin
	ln -sf ../bin/takebox-tape $(DESTDIR)$(PREFIX)/sbin/takebox-tape
	install -m 644 board/takebox.conf $(DESTDIR)$(PREFIX)/share/takebox
	install -d $(DESTDIR)$(PREFIX)/libexec/takebox
	install board/media/takebox-medium $(DESTDIR)$(PREFIX)/libexec/takebox
	install -d $(DESTDIR)$(PREFIX)/share/takebox/boards
	install -m 644 $(wildcard board/*.board) \
	  $(DESTDIR)$(PREFIX)/share/takebox/boards
	test -e $(DESTDIR)/etc/takebox/takebox.conf || \
	  install -m 644 board/takebox.conf $(DESTDIR)/etc/takebox
	install -m 644 $(MAN1) $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 644 $(MAN5) $(DESTDIR)$(PREFIX)/share/man/man5
	$(if $(MAN8),install -m 644 $(MAN8) $(DESTDIR)$(PREFIX)/share/man/man8)
	install -m 644 $(BASH_COMPLETION) \
	  $(DESTDIR)$(PREFIX)/share/bash-completion/completions/takebox

# The virtual interface as an ALSA plugin of the system.
LIBDIR ?= $(PREFIX)/lib
.PHONY: install-virtual
install-virtual: $(PLUGIN)
	install -d $(DESTDIR)$(LIBDIR)/alsa-lib $(DESTDIR)$(PREFIX)/bin \
	  $(DESTDIR)$(PREFIX)/share/alsa/alsa.conf.d \
	  $(DESTDIR)/etc/alsa/conf.d $(DESTDIR)$(PREFIX)/share/man/man5
	install -m 644 $(PLUGIN) $(DESTDIR)$(LIBDIR)/alsa-lib
	install drivers/virtual/virtualctl \
	  $(DESTDIR)$(PREFIX)/bin/takebox-virtualctl
	sed -e '/alsa.conf>/d' -e '/^pcm_type/,/^}/d' \
	  board/virtual/asound.conf.in \
	  >$(DESTDIR)$(PREFIX)/share/alsa/alsa.conf.d/60-takebox-virtual.conf
	ln -sf $(PREFIX)/share/alsa/alsa.conf.d/60-takebox-virtual.conf \
	  $(DESTDIR)/etc/alsa/conf.d/60-takebox-virtual.conf
	install -m 644 board/virtual/takebox_virtual.5 \
	  $(DESTDIR)$(PREFIX)/share/man/man5

# For this release and architecture, or SUITE=trixie, ARCH=arm64: those are
# built in a folder of their own.
.PHONY: deb
deb: ## Debian packages in build/deb (ARCH=arm64, SUITE=trixie)
	@BUILD=$(BUILD) tools/deb.sh $(if $(ARCH),--arch $(ARCH)) \
	  $(if $(filter command environment,$(origin SUITE)),--suite $(SUITE))

# ---- the bench ----

SUITE ?= bookworm
.PHONY: vm fresh
vm: all $(BENCH) ## record 32 channels from a kernel PCM in a virtual machine
	BUILD=$(BUILD) tests/bench/record32.sh

.PHONY: vm-boot vm-arm64
vm-boot: ## boot the package with systemd in a virtual machine (SUITE=)
	BUILD=$(BUILD) tools/deb.sh --suite $(SUITE)
	BUILD=$(BUILD) tests/bench/boot.sh $(SUITE)
vm-arm64: ## the arm64 package and its tests on an emulated arm64 machine
	BUILD=$(BUILD) tests/bench/arm64.sh

CUTS ?= 500
.PHONY: powercut powercut-live
powercut: all $(BENCH) ## cut the power at CUTS moments of 8 and of 32 tracks on each file system
	@BUILD=$(BUILD) tests/bench/powercut.sh --steady --uml --cuts $(CUTS)
powercut-live: all $(BENCH) ## end a recording machine a hundred times
	@BUILD=$(BUILD) tests/bench/powercut_live.sh --uml

.PHONY: long-file
long-file: all $(BUILD)/bench/long_file ## a track beyond the 4 GiB of a file on FAT32
	@BUILD=$(BUILD) tests/bench/long_file.sh

.PHONY: fake-card
fake-card: all ## takebox qualify --full on FAT32 beyond 4 GiB, real and fake
	@BUILD=$(BUILD) tests/bench/fake_card.sh

.PHONY: sync-cost
sync-cost: $(BUILD)/perf/sync_cost $(BUILD)/bench/slow_disk ## measure a sync of 32 tracks on three file systems and four kinds of disk
	@BUILD=$(BUILD) tests/bench/sync_cost.sh

# OTHER=other: on the other Debian, with the other libgpiod.
PRESSES ?= 1000
.PHONY: session presses panel-cost
session: tests ## play a panel in a virtual machine (OTHER=other)
	@BUILD=$(BUILD) tests/bench/panel.sh session $(OTHER)

presses: tests ## press buttons there PRESSES (1000) times (OTHER=other)
	@BUILD=$(BUILD) tests/bench/panel.sh presses $(PRESSES) $(OTHER)

panel-cost: $(BUILD)/perf/panel_cost ## count what the lamps of 16 bars cost
	@for lines in "" lines; do \
	  valgrind --tool=callgrind --callgrind-out-file=/dev/null \
	    --toggle-collect=panel_frame $< board/rack16.board $$lines 2>&1 | \
	    sed -n 's/^==.*Collected : /instructions in 10 s: /p; /frames/p'; \
	done

fresh: ## make run and make test on a new machine (SUITE=bookworm, trixie)
	tests/fresh.sh $(SUITE)

SOAK_SECONDS ?= 7200
.PHONY: soak bench-soak
soak: all ## 32 channels for SOAK_SECONDS (7200): memory, lateness, ppm
	BUILD=$(BUILD) tests/soak.sh $(SOAK_SECONDS)

bench-soak: tests ## the same from a kernel PCM, under another kernel; as root
	@BUILD=$(BUILD) tests/bench/soak.sh $(SOAK_SECONDS)

STARVE_STEP ?= 1
.PHONY: starve
starve: tests ## fail each allocation of a short take in turn, or each STARVE_STEP-th
	BUILD=$(BUILD) tests/starve.sh 1 3200 $(STARVE_STEP) 8
	BUILD=$(BUILD) tests/starve.sh --again 1 3200 $(STARVE_STEP) 8
	BUILD=$(BUILD) tests/starve_heal.sh 1 2000 $(STARVE_STEP)

TORTURE_SECONDS ?= 600
.PHONY: torture
torture: tests ## break everything at random for TORTURE_SECONDS, from SEED; as root
	BUILD=$(BUILD) tests/torture.sh $(TORTURE_SECONDS) $(SEED)

.PHONY: bench
bench: all $(PERF) ## what recording costs, here and with other recorders
	BUILD=$(BUILD) tests/perf/bench.sh

.PHONY: boards
boards: setup-build ## count arm64 instructions: what boards can do, on paper
	@tools/setup.sh boards test
	@BUILD=$(BUILD) tests/perf/boards.sh

clean: ## remove what was built
	rm -rf $(BUILD)

help: ## list what make can do
	@grep -hE '^[a-z][a-z-]*:.*##' $(MAKEFILE_LIST) | \
	  sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 16

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
