/* Small functions of doubles that the real-time thread may call: libm is not on
 * its list. */
#ifndef TAKEBOX_REALS_H
#define TAKEBOX_REALS_H

#include <stdint.h>

static inline int64_t rounded(double x)
{
	return (int64_t)(x < 0 ? x - 0.5 : x + 0.5);
}

static inline double magnitude(double x)
{
	return x < 0 ? -x : x;
}

static inline double smaller(double a, double b)
{
	return a < b ? a : b;
}

static inline double larger(double a, double b)
{
	return a > b ? a : b;
}

#endif
