/*
 * md5_kernel: MD5 of MD5_LANES streams side by side, one stream in each element
 * of MD5_VEC. A template: md5_lanes.c includes it once per vector width, with
 *
 *   MD5_NAME(x)  the name of function x in this width
 *   MD5_VEC      a vector of MD5_LANES uint32_t
 *   MD5_LANES    how many streams
 *   MD5_PART     a vector as wide as the machine's, MD5_PART_LANES wide
 *   MD5_PACK(x)  the name of the packing function x that fills MD5_PART
 *   MD5_TARGET   the attribute that lets the compiler use such vectors
 *
 * Where MD5_VEC is two parts wide the compiler makes two operations of each,
 * and they fill each other's waiting times: MD5 is one long chain.
 */

MD5_TARGET static inline void MD5_NAME(block)(MD5_VEC state[4],
					      const MD5_VEC *word,
					      const MD5_VEC *constant)
{
	MD5_VEC a = state[0], b = state[1], c = state[2], d = state[3];

	MD5_ROUNDS(word, constant);
	state[0] += a;
	state[1] += b;
	state[2] += c;
	state[3] += d;
}

MD5_TARGET static inline void MD5_NAME(pack)(const struct lane *lanes,
					     unsigned width, MD5_VEC *words)
{
	const unsigned step = MD5_LANES / MD5_PART_LANES;
	MD5_PART *part = (MD5_PART *)words;
	unsigned i;

	for (i = 0; i < step; i++) {
		if (width == 3)
			MD5_PACK(pack24)(lanes, part + i, step);
		else
			MD5_PACK(pack16)(lanes, part + i, step);
		lanes += MD5_PART_LANES;
	}
}

MD5_TARGET static void MD5_NAME(run)(struct lane *lanes, unsigned width,
				     size_t groups)
{
	MD5_VEC constant[64], state[4], words[MD5_GROUP * 3 / 4];
	unsigned i, j;

	for (i = 0; i < 64; i++)
		constant[i] = (MD5_VEC){0} + md5_constant[i];
	for (i = 0; i < 4; i++)
		for (j = 0; j < MD5_LANES; j++)
			state[i][j] = lanes[j].state->word[i];
	while (groups--) {
		MD5_NAME(pack)(lanes, width, words);
		for (i = 0; i < MD5_GROUP * width / 64; i++)
			MD5_NAME(block)(state, words + 16 * i, constant);
		for (j = 0; j < MD5_LANES; j++)
			lanes[j].samples += lanes[j].stride;
	}
	for (i = 0; i < 4; i++)
		for (j = 0; j < MD5_LANES; j++)
			lanes[j].state->word[i] = state[i][j];
}

#undef MD5_NAME
#undef MD5_VEC
#undef MD5_LANES
