#!/usr/bin/perl
# A terminal's screen as a picture: reads what `tmux capture-pane -e -p` gives,
# writes SVG.
#
#     docs/ansi_to_svg.pl [TITLE] <screen >picture.svg
#
# Blocks and lines are drawn as shapes, so that bars have no seams in any font;
# text is put cell by cell where it belongs by its length. Only what Debian's
# base has is needed.

use strict;
use warnings;
use utf8;

use constant { CELL => 8, LINE => 18, FONT => 13.4, MARGIN => 14 };

my $title = shift // 'a terminal';
my $paper = '#16181d';
my $ink = '#d6d9de';
my %colour = (
	30 => '#3b4048', 31 => '#f2495c', 32 => '#4cb963', 33 => '#e8b931',
	34 => '#5a9cf2', 35 => '#c678dd', 36 => '#3fb8c4', 37 => $ink,
);

# A block by what part of the cell it fills: left, top, width, height.
my %block = (
	'█' => [0, 0, 1, 1], '▀' => [0, 0, 1, 0.5], '▄' => [0, 0.5, 1, 0.5],
	'▌' => [0, 0, 0.5, 1], '▐' => [0.5, 0, 0.5, 1],
	'│' => [0.42, 0, 0.16, 1],
);
my @eighths = ('', '▏', '▎', '▍', '▌', '▋', '▊', '▉');
$block{$eighths[$_]} = [0, 0, $_ / 8, 1] for 1 .. 7;
# U+2581 to U+2587 rise from below.
$block{chr 0x2580 + $_} = [0, 1 - $_ / 8, 1, $_ / 8] for 1 .. 7;

binmode STDIN, ':utf8';
binmode STDOUT, ':utf8';

my ($columns, $row, @shapes, @texts) = (0, 0);
my %pen = (fg => '', bold => 0, dim => 0, reverse => 0);

sub escape
{
	my ($text) = @_;

	$text =~ s/&/&amp;/g;
	$text =~ s/</&lt;/g;
	$text =~ s/>/&gt;/g;
	return $text;
}

sub number
{
	my $text = sprintf '%.2f', shift;

	$text =~ s/\.?0+$//;
	return $text;
}

# Neighbours of one kind and look become one shape.
sub shape
{
	my ($column, $part, $look) = @_;
	my ($left, $top, $width, $height) = @$part;
	my $x = ($column + $left) * CELL;
	my $y = $row * LINE + $top * LINE;
	my $last = $shapes[-1];

	if ($last && $last->{look} eq $look && $last->{y} == $y &&
	    $last->{height} == $height * LINE &&
	    abs($last->{x} + $last->{width} - $x) < 0.01) {
		$last->{width} += $width * CELL;
		return;
	}
	push @shapes, {x => $x, y => $y, width => $width * CELL,
		       height => $height * LINE, look => $look};
}

sub text
{
	my ($column, $text, $look) = @_;

	while ($text =~ /(\S+(?: \S+)*)/g) {
		my $x = $column + $-[1];

		push @texts, sprintf
			'<text x="%s" y="%s" textLength="%s"%s>%s</text>',
			number($x * CELL), number(($row + 0.76) * LINE),
			number(length($1) * CELL), $look, escape($1);
	}
}

sub look
{
	my ($fill) = @_;
	my $look = '';

	$look .= qq( fill="$fill") if $fill ne $ink;
	$look .= ' opacity="0.5"' if $pen{dim};
	return $look;
}

sub draw
{
	my ($column, $run) = @_;
	my $fill = $pen{fg} ? $colour{$pen{fg}} : $ink;
	my $look;

	if ($pen{reverse}) {
		shape($column + $_, $block{'█'}, look($fill))
			for 0 .. length($run) - 1;
		$fill = $paper;
	}
	$look = look($fill);
	while ($run =~ /([▀-▐│])|([^▀-▐│]+)/g) {
		if (defined $1) {
			shape($column + $-[0], $block{$1}, $look);
		} else {
			text($column + $-[0], $2,
			     $look . ($pen{bold} ? ' font-weight="bold"' : ''));
		}
	}
}

sub set_pen
{
	for (split /;/, shift || '0') {
		if ($_ == 0) {
			%pen = (fg => '', bold => 0, dim => 0, reverse => 0);
		} elsif ($_ == 1) {
			$pen{bold} = 1;
		} elsif ($_ == 2) {
			$pen{dim} = 1;
		} elsif ($_ == 7) {
			$pen{reverse} = 1;
		} elsif ($_ == 39) {
			$pen{fg} = '';
		} elsif (exists $colour{$_}) {
			$pen{fg} = $_;
		}
	}
}

while (my $line = <STDIN>) {
	my $column = 0;

	chomp $line;
	while ($line =~ /\e\[([0-9;]*)m|([^\e]+)/g) {
		if (defined $2) {
			draw($column, $2);
			$column += length $2;
		} else {
			set_pen($1);
		}
	}
	$columns = $column if $column > $columns;
	$row++;
}

my $width = ($columns + 1) * CELL + 2 * MARGIN;
my $height = $row * LINE + 2 * MARGIN;

print <<"END";
<svg xmlns="http://www.w3.org/2000/svg" width="$width" height="$height" viewBox="0 0 $width $height" role="img">
<title>${\escape($title)}</title>
<rect width="100%" height="100%" rx="8" fill="$paper"/>
<g shape-rendering="crispEdges" transform="translate(${\MARGIN} ${\MARGIN})" fill="$ink" font-family="ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace" font-size="${\FONT}" xml:space="preserve">
END
printf qq(<rect x="%s" y="%s" width="%s" height="%s"%s/>\n),
	number($_->{x}), number($_->{y}), number($_->{width}),
	number($_->{height}), $_->{look} for @shapes;
print "$_\n" for @texts;
print "</g>\n</svg>\n";
