/* SPDX-License-Identifier: MIT */
/*
 * Which fields belong together, so that each part of a state takes few values.
 *
 * Units (the fields of one record and its actors) stay whole.  All is cut in two, and each half again: in the
 * natural order first, then whatever lowers the number of distinct halves by changing sides does so.  Any
 * answer is right; a good one is small.
 */
#include <stdlib.h>
#include <string.h>

#include "engine.h"

enum { SAMPLE = 1 << 15, SWEEPS = 3, PLACES = SAMPLE * 4 };

/* The last states found, as one random-looking number for each unit: hashes[unit][state]. */
struct sample {
	uint32_t states, units;
	uint64_t *hashes;
	uint64_t seen[PLACES / 64];
};

static uint64_t scatter(uint64_t number)
{
	number = (number ^ number >> 32) * MIX;
	number = (number ^ number >> 29) * MIX2;
	return number ^ number >> 32;
}

static struct sample *take_sample(const struct engine *e)
{
	struct sample *s = malloc(sizeof *s);
	uint64_t words[MOST_WORDS];

	if (!s)
		return NULL;
	s->states = e->count < SAMPLE ? (uint32_t)e->count : SAMPLE;
	s->units = 0;
	for (uint32_t field = 0; field < e->fields; field++)
		if (e->unit[field] >= s->units)
			s->units = e->unit[field] + 1U;
	s->hashes = calloc((uint64_t)s->units * SAMPLE, 8);
	if (!s->hashes) {
		free(s);
		return NULL;
	}
	for (uint32_t i = 0; i < s->states; i++) {
		load_words(e, e->roots[e->count - s->states + i], words);
		for (uint32_t field = 0; field < e->fields; field++)
			s->hashes[(uint64_t)e->unit[field] * SAMPLE + i] +=
				(field_of(words, e->places[field]) + 1) * scatter(field + 1);
	}
	for (uint32_t unit = 0; unit < s->units; unit++)
		for (uint32_t i = 0; i < s->states; i++)
			s->hashes[(uint64_t)unit * SAMPLE + i] = scatter(s->hashes[(uint64_t)unit * SAMPLE + i] + unit);
	return s;
}

/* How many different numbers: by how many places of a bitmap they take. */
static uint32_t distinct(struct sample *s, const uint64_t *numbers)
{
	uint32_t taken = 0;

	memset(s->seen, 0, sizeof s->seen);
	for (uint32_t i = 0; i < s->states; i++) {
		uint32_t at = numbers[i] * MIX >> 47;

		s->seen[at / 64] |= UINT64_C(1) << at % 64;
	}
	for (uint32_t i = 0; i < PLACES / 64; i++)
		taken += (uint32_t)__builtin_popcountll(s->seen[i]);
	return taken;
}

/* Add `sign` times a unit to one side; `to` gets the sums. */
static void add_unit(const struct sample *s, const uint64_t *from, uint32_t unit, uint64_t sign, uint64_t *to)
{
	const uint64_t *hashes = s->hashes + (uint64_t)unit * SAMPLE;

	for (uint32_t i = 0; i < s->states; i++)
		to[i] = from[i] + sign * hashes[i];
}

struct halves {
	uint64_t sum[2][SAMPLE], trial[2][SAMPLE];
};

/* Cut the units of a part where both sides together take the fewest values; those after it get `fresh`. */
static void first_cut(struct sample *s, struct halves *h, uint8_t *part_of, uint32_t part, uint32_t fresh)
{
	uint32_t best = UINT32_MAX, cut = 0, last = 0;

	memset(h->sum, 0, sizeof h->sum);
	for (uint32_t unit = 0; unit < s->units; unit++) {
		if (part_of[unit] != part)
			continue;
		add_unit(s, h->sum[1], unit, 1, h->sum[1]);
		last = unit;
	}
	for (uint32_t unit = 0; unit < last; unit++) {
		uint32_t cost;

		if (part_of[unit] != part)
			continue;
		add_unit(s, h->sum[0], unit, 1, h->sum[0]);
		add_unit(s, h->sum[1], unit, UINT64_MAX, h->sum[1]);
		cost = distinct(s, h->sum[0]) + distinct(s, h->sum[1]);
		if (cost < best)
			best = cost, cut = unit;
	}
	memset(h->sum, 0, sizeof h->sum);
	for (uint32_t unit = 0; unit < s->units; unit++) {
		if (part_of[unit] != part)
			continue;
		add_unit(s, h->sum[unit > cut], unit, 1, h->sum[unit > cut]);
		if (unit > cut)
			part_of[unit] = (uint8_t)fresh;
	}
}

/* Let units change sides where that lowers the number of values. */
static void improve(struct sample *s, struct halves *h, uint8_t *part_of, uint32_t part, uint32_t fresh)
{
	uint32_t cost[2] = {distinct(s, h->sum[0]), distinct(s, h->sum[1])};
	uint32_t size[2] = {0, 0};
	bool better = true;

	for (uint32_t unit = 0; unit < s->units; unit++) {
		size[0] += part_of[unit] == part;
		size[1] += part_of[unit] == fresh;
	}
	for (uint32_t sweep = 0; better && sweep < SWEEPS; sweep++) {
		better = false;
		for (uint32_t unit = 0; unit < s->units; unit++) {
			uint32_t side = part_of[unit] == fresh, less, more;

			if ((part_of[unit] != part && part_of[unit] != fresh) || size[side] == 1)
				continue;
			add_unit(s, h->sum[side], unit, UINT64_MAX, h->trial[side]);
			add_unit(s, h->sum[!side], unit, 1, h->trial[!side]);
			less = distinct(s, h->trial[side]);
			more = distinct(s, h->trial[!side]);
			if (less + more >= cost[0] + cost[1])
				continue;
			cost[side] = less, cost[!side] = more;
			size[side]--, size[!side]++;
			memcpy(h->sum, h->trial, sizeof h->sum);
			part_of[unit] = (uint8_t)(side ? part : fresh);
			better = true;
		}
	}
}

/* Divide the fields anew, by the states found last.  False where there is no memory for that. */
bool choose_parts(struct engine *e)
{
	struct sample *s = take_sample(e);
	struct halves *h = malloc(sizeof *h);
	uint8_t *unit_part = calloc(e->fields, 2), *part_of = unit_part + e->fields;
	enum moved moved = LOST;
	uint32_t parts = 1, apart = monitor_unit(e);

	if (s && h && unit_part) {
		if (apart != NO_MONITOR)
			unit_part[apart] = MOST_PARTS;
		for (uint32_t halving = 0; halving < 2; halving++) {
			for (uint32_t part = 0, before = parts; part < before; part++) {
				uint32_t units = 0;

				for (uint32_t unit = 0; unit < s->units; unit++)
					units += unit_part[unit] == part;
				if (units < 2)
					continue;
				first_cut(s, h, unit_part, part, parts);
				improve(s, h, unit_part, part, parts);
				parts++;
			}
		}
		if (apart != NO_MONITOR)
			unit_part[apart] = (uint8_t)parts;
		for (uint32_t field = 0; field < e->fields; field++)
			part_of[field] = unit_part[e->unit[field]];
		moved = memcmp(part_of, e->part_of, e->fields) ? repartition(e, part_of) : MOVED;
	}
	if (s)
		free(s->hashes);
	free(s);
	free(h);
	free(unit_part);
	return moved != LOST;
}
