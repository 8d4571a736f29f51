/*
 * panel_big: letters of five pixel rows, two of which go into each row of the
 * terminal as half blocks. Only the letters that the banner uses.
 */
#define NCURSES_WIDECHAR 1
#include <ncurses.h>
#include <stddef.h>
#include <string.h>

#include "tools/panel_screen.h"

#define PIXEL_ROWS 5

static const struct glyph {
	char letter;
	const char *rows[PIXEL_ROWS];
} font[] = {
	{'0', {"###", "# #", "# #", "# #", "###"}},
	{'1', {" # ", "## ", " # ", " # ", "###"}},
	{'2', {"###", "  #", "###", "#  ", "###"}},
	{'3', {"###", "  #", "###", "  #", "###"}},
	{'4', {"# #", "# #", "###", "  #", "  #"}},
	{'5', {"###", "#  ", "###", "  #", "###"}},
	{'6', {"###", "#  ", "###", "# #", "###"}},
	{'7', {"###", "  #", "  #", "  #", "  #"}},
	{'8', {"###", "# #", "###", "# #", "###"}},
	{'9', {"###", "# #", "###", "  #", "###"}},
	{':', {" ", "#", " ", "#", " "}},
	{' ', {" ", " ", " ", " ", " "}},
	{'A', {" # ", "# #", "###", "# #", "# #"}},
	{'C', {" ##", "#  ", "#  ", "#  ", " ##"}},
	{'D', {"## ", "# #", "# #", "# #", "## "}},
	{'E', {"###", "#  ", "## ", "#  ", "###"}},
	{'F', {"###", "#  ", "## ", "#  ", "#  "}},
	{'G', {" ###", "#   ", "# ##", "#  #", " ###"}},
	{'H', {"#  #", "#  #", "####", "#  #", "#  #"}},
	{'I', {"#", "#", "#", "#", "#"}},
	{'N', {"#  #", "## #", "# ##", "#  #", "#  #"}},
	{'O', {" ## ", "#  #", "#  #", "#  #", " ## "}},
	{'R', {"## ", "# #", "## ", "# #", "# #"}},
	{'S', {" ##", "#  ", " # ", "  #", "## "}},
	{'T', {"###", " # ", " # ", " # ", " # "}},
	{'Y', {"# #", "# #", " # ", " # ", " # "}},
	/* The signs of REC and of READY. */
	{'*', {" ### ", "#####", "#####", "#####", " ### "}},
	{'%', {"#####", "#####", "#####", "#####", "#####"}},
};

static const struct glyph *find(char letter)
{
	for (size_t i = 0; i < sizeof(font) / sizeof(*font); i++) {
		if (font[i].letter == letter)
			return &font[i];
	}
	return NULL;
}

static const char *cell(char upper, char lower)
{
	if (upper == '#')
		return lower == '#' ? "█" : "▀";
	return lower == '#' ? "▄" : " ";
}

static void draw_glyph(int row, int column, const struct glyph *glyph)
{
	int width = (int)strlen(glyph->rows[0]);

	for (int y = 0; y < PIXEL_ROWS; y += 2) {
		move(row + y / 2, column);
		for (int x = 0; x < width; x++) {
			char lower = y + 1 < PIXEL_ROWS ? glyph->rows[y + 1][x]
							: ' ';

			addstr(cell(glyph->rows[y][x], lower));
		}
	}
}

int panel_big_draw(int row, int column, const char *words)
{
	for (; *words; words++) {
		const struct glyph *glyph = find(*words);

		if (!glyph)
			continue;
		draw_glyph(row, column, glyph);
		column += (int)strlen(glyph->rows[0]) + 1;
	}
	return column;
}

int panel_big_width(const char *words)
{
	int width = 0;

	for (; *words; words++) {
		const struct glyph *glyph = find(*words);

		width += glyph ? (int)strlen(glyph->rows[0]) + 1 : 0;
	}
	return width;
}
