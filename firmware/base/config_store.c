/*
 * A value goes into its field only if it is of the key's type and within its
 * range; a text only whole. The reason for a refusal names key, value and what
 * would be possible.
 */
#include "base/config_keys.h"

#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/config.h"
#include "base/utf8.h"

static const char *kind_name(const struct config_value *value)
{
	switch (value->kind) {
	case CONFIG_VALUE_INTEGER:
		return "a whole number";
	case CONFIG_VALUE_REAL:
		return "a number with a fraction";
	case CONFIG_VALUE_TEXT:
		return "a text";
	case CONFIG_VALUE_TRUTH:
		return "true or false";
	case CONFIG_VALUE_OTHER:
		break;
	}
	return "a group or a list";
}

static int refuse_type(const struct config_key *key,
		       const struct config_value *value, const char *wanted,
		       char *reason)
{
	snprintf(reason, CONFIG_REASON_MAX, "%s.%s must be %s, not %s",
		 key->group, key->name, wanted, kind_name(value));
	return -EINVAL;
}

static int refuse_number(const struct config_key *key, double number,
			 char *reason)
{
	int length =
		snprintf(reason, CONFIG_REASON_MAX,
			 "%s.%s = %.15g is not possible; give %.15g to "
			 "%.15g",
			 key->group, key->name, number, key->min, key->max);

	if (key->zero && length < CONFIG_REASON_MAX)
		snprintf(reason + length, CONFIG_REASON_MAX - (size_t)length,
			 ", or 0 for %s", key->zero);
	return -EINVAL;
}

/* Written so that NaN is out of range. */
static bool in_range(const struct config_key *key, double number)
{
	return (number >= key->min && number <= key->max) ||
	       (key->zero && number == 0);
}

static int store_whole(void *field, const struct config_key *key,
		       const struct config_value *value, char *reason)
{
	if (value->kind != CONFIG_VALUE_INTEGER)
		return refuse_type(key, value, "a whole number", reason);
	if (!in_range(key, (double)value->integer))
		return refuse_number(key, (double)value->integer, reason);
	if (key->type == CONFIG_KEY_BYTES)
		*(unsigned long long *)field =
			(unsigned long long)value->integer;
	else
		*(unsigned *)field = (unsigned)value->integer;
	if (key->type == CONFIG_KEY_INPUT)
		((unsigned *)field)[1] = 0;
	return 0;
}

static int store_real(void *field, const struct config_key *key,
		      const struct config_value *value, char *reason)
{
	double number = value->real;

	if (value->kind == CONFIG_VALUE_INTEGER)
		number = (double)value->integer;
	else if (value->kind != CONFIG_VALUE_REAL)
		return refuse_type(key, value,
				   key->type == CONFIG_KEY_LEVEL
					   ? "a number of dBFS"
					   : "a number of seconds",
				   reason);
	if (!in_range(key, number))
		return refuse_number(key, number, reason);
	*(double *)field = number;
	return 0;
}

static bool has_control(const char *text)
{
	size_t size = strlen(text), length;

	for (size_t at = 0; at < size; at += length) {
		int32_t code = utf8_read(text + at, size - at, &length);

		if (code < 0x20 || (code >= 0x7f && code < 0xa0))
			return true;
	}
	return false;
}

/* What is wrong with a text, or NULL. */
static const char *text_fault(const struct config_key *key, const char *text)
{
	size_t length = strlen(text);

	if (length < (size_t)key->min)
		return "must not be empty";
	if (utf8_valid_prefix(text, length) != length)
		return "must be UTF-8";
	if (has_control(text))
		return "must not hold control characters or line ends";
	return NULL;
}

static int store_text(void *field, const struct config_key *key,
		      const struct config_value *value, char *reason)
{
	const char *fault;

	if (value->kind != CONFIG_VALUE_TEXT)
		return refuse_type(key, value, "a text in double quotes",
				   reason);
	fault = text_fault(key, value->text);
	if (fault) {
		snprintf(reason, CONFIG_REASON_MAX, "%s.%s %s", key->group,
			 key->name, fault);
		return -EINVAL;
	}
	if (strlen(value->text) > (size_t)key->max) {
		snprintf(reason, CONFIG_REASON_MAX,
			 "%s.%s has %zu bytes; shorten it to at most %.0f",
			 key->group, key->name, strlen(value->text), key->max);
		return -EINVAL;
	}
	/* Zeros to the end: equal configurations are equal bytes. */
	memset(field, 0, key->size);
	memcpy(field, value->text, strlen(value->text));
	return 0;
}

static int store_choice(void *field, const struct config_key *key,
			const struct config_value *value, char *reason)
{
	int length;

	if (value->kind != CONFIG_VALUE_TEXT)
		return refuse_type(key, value, "a text in double quotes",
				   reason);
	for (unsigned i = 0; key->choices[i]; i++) {
		if (strcmp(key->choices[i], value->text) != 0)
			continue;
		memset(field, 0, key->size);
		memcpy(field, value->text, strlen(value->text));
		return 0;
	}
	length = snprintf(reason, CONFIG_REASON_MAX,
			  "%s.%s is not possible; give one of", key->group,
			  key->name);
	for (unsigned i = 0; key->choices[i]; i++)
		length += snprintf(reason + length,
				   CONFIG_REASON_MAX - (size_t)length,
				   "%s \"%s\"", i ? "," : "", key->choices[i]);
	return -EINVAL;
}

int config_store(void *base, const struct config_key *key,
		 const struct config_value *value,
		 char reason[CONFIG_REASON_MAX])
{
	void *field = (char *)base + key->offset;

	switch (key->type) {
	case CONFIG_KEY_WHOLE:
	case CONFIG_KEY_BYTES:
	case CONFIG_KEY_INPUT:
		return store_whole(field, key, value, reason);
	case CONFIG_KEY_SECONDS:
	case CONFIG_KEY_LEVEL:
		return store_real(field, key, value, reason);
	case CONFIG_KEY_TEXT:
		return store_text(field, key, value, reason);
	case CONFIG_KEY_CHOICE:
		return store_choice(field, key, value, reason);
	case CONFIG_KEY_TRUTH:
		if (value->kind != CONFIG_VALUE_TRUTH)
			return refuse_type(key, value, "true or false", reason);
		*(bool *)field = value->truth;
		return 0;
	case CONFIG_KEY_INPUTS:
	case CONFIG_KEY_LIST:
		break;
	}
	return refuse_type(key, value, "a pair of channels, [left, right]",
			   reason);
}

static bool parse_integer(const char *text, long long *number)
{
	char *end;

	errno = 0;
	*number = strtoll(text, &end, 10);
	return errno == 0 && end != text && *end == '\0';
}

/* With a point for the fraction whatever the locale. */
static bool parse_real(const char *text, double *number)
{
	locale_t locale;
	char *end;

	if (*text == '\0' || strspn(text, "0123456789.eE+-") != strlen(text))
		return false;
	locale = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);
	if (!locale)
		return false;
	*number = strtod_l(text, &end, locale);
	freelocale(locale);
	return *end == '\0';
}

struct config_value config_parse_value(const struct config_key *key,
				       const char *text)
{
	struct config_value value = {.kind = CONFIG_VALUE_TEXT, .text = text};

	if (key->type == CONFIG_KEY_TEXT || key->type == CONFIG_KEY_CHOICE)
		return value;
	if (parse_integer(text, &value.integer))
		value.kind = CONFIG_VALUE_INTEGER;
	else if (parse_real(text, &value.real))
		value.kind = CONFIG_VALUE_REAL;
	return value;
}
