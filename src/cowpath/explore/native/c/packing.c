/* SPDX-License-Identifier: MIT */
/*
 * Where each field stands: in which part, in which word; and where each part's number stands in a root.
 *
 * Fields outgrow their places (relayout: the parts stay what they are) and are divided into parts anew
 * (repartition: every root is another one).
 */
#include <stdlib.h>
#include <string.h>

#include "engine.h"

static uint32_t bits_for(uint64_t values)
{
	return values <= 1 ? 0 : 64 - (uint32_t)__builtin_clzll(values - 1);
}

/* Give every field a place, part by part in the order of fields; false where that takes too many words. */
bool lay_out(struct engine *e)
{
	uint32_t word = 0;

	for (uint32_t part = 0; part < e->parts; part++) {
		uint32_t used = 0;

		e->part[part].first = word;
		e->part[part].stride = 0;
		for (uint32_t field = 0; field < e->fields; field++) {
			uint32_t width = e->widths[field];

			if (e->part_of[field] != part)
				continue;
			if (used + width > 64)
				word++, used = 0;
			if (word >= MOST_WORDS)
				return false;
			e->places[field] = (struct place){(uint8_t)word, (uint8_t)(used & 63),
							  (uint16_t)((1U << width) - 1)};
			if (used == 64) /* only a field without bits comes here */
				e->places[field].shift = 0;
			used += width;
			if (field >= e->cells && field < e->cells + e->actors) {
				e->actor_part[field - e->cells] = (uint8_t)part;
				e->actor_slot[field - e->cells] = (uint8_t)e->part[part].stride++;
			}
		}
		word++;
		e->part[part].width = word - e->part[part].first;
	}
	e->words = word;
	e->stride = (word + 7) / 8 * 8;
	return true;
}

/* Bits for every field; those whose range is not known beforehand get some to spare. */
static void set_widths(struct engine *e)
{
	for (uint32_t field = 0; field < e->fields; field++) {
		uint32_t bits = bits_for(e->sizes[field]);

		if (field >= e->cells)
			bits = (bits ? bits : 1) + 2;
		e->widths[field] = (uint8_t)(bits > 16 ? 16 : bits);
	}
	e->outgrown = false;
}

/*
 * Divide the root between the parts, which need at least so many bits for their numbers.  Roots change
 * where the places do.  False where there are too few bits.
 */
static bool make_bits(struct engine *e, const uint32_t *needed)
{
	uint32_t sum = 0, shift = 0, spare;

	for (uint32_t part = 0; part < e->parts; part++)
		sum += needed[part];
	if (sum > e->root_bits)
		return false;
	spare = (e->root_bits - sum) / e->parts;
	for (uint32_t part = 0; part < e->parts; part++) {
		uint32_t bits = needed[part] + spare > 32 ? 32 : needed[part] + spare;

		e->part[part].shift = shift;
		e->part[part].mask = (UINT64_C(1) << bits) - 1;
		shift += bits;
	}
	return true;
}

/* Begin with other parts, all empty. */
static bool empty_parts(struct engine *e, const uint8_t *part_of)
{
	uint32_t needed[MOST_PARTS], bits = e->first_bits;
	bool ok;

	memcpy(e->part_of, part_of, e->fields);
	memset((void *)e->part, 0, sizeof e->part);
	e->parts = 0;
	for (uint32_t field = 0; field < e->fields; field++)
		if (part_of[field] >= e->parts)
			e->parts = part_of[field] + 1U;
	if (bits * e->parts > e->root_bits)
		bits = e->root_bits / e->parts;
	for (uint32_t part = 0; part < e->parts; part++)
		needed[part] = bits;
	ok = lay_out(e) && make_bits(e, needed);
	for (uint32_t part = 0; ok && part < e->parts; part++)
		ok = make_part(&e->part[part], bits);
	return ok;
}

/* The unit that is the monitor's number, and a part of its own; NO_MONITOR: there is none. */
uint32_t monitor_unit(const struct engine *e)
{
	return e->monitor.field == NO_MONITOR ? NO_MONITOR : e->unit[e->monitor.field];
}

/* The parts of a new search: units in their order, about equally many bits in each part. */
bool start_parts(struct engine *e)
{
	uint32_t total = 0, used = 0, wanted = 4, count = 0, last = 0, apart = monitor_unit(e);
	uint8_t *unit_part = calloc(e->fields, 2);
	bool ok = unit_part != NULL;

	set_widths(e);
	for (uint32_t field = 0; field < e->fields; field++)
		total += e->unit[field] == apart ? 0 : e->widths[field];
	for (uint32_t unit = 0; ok && unit < e->fields; unit++) {
		unit_part[unit] = (uint8_t)(used * wanted / (total + 1));
		for (uint32_t field = 0; field < e->fields; field++)
			if (e->unit[field] == unit && unit != apart)
				used += e->widths[field];
	}
	/* a part that no unit begins in gets no number; the first begins in part 0 */
	for (uint32_t unit = 0; ok && unit < e->fields; unit++) {
		if (unit == apart)
			continue;
		if (unit_part[unit] != last)
			count++;
		last = unit_part[unit];
		unit_part[unit] = (uint8_t)count;
	}
	if (ok && apart != NO_MONITOR)
		unit_part[apart] = (uint8_t)(count + 1);
	for (uint32_t field = 0; ok && field < e->fields; field++)
		unit_part[e->fields + field] = unit_part[e->unit[field]];
	ok = ok && empty_parts(e, unit_part + e->fields);
	free(unit_part);
	return ok;
}

/* The words of a state. */
void load_words(const struct engine *e, uint64_t root, uint64_t *words)
{
	for (uint32_t part = 0; part < e->parts; part++) {
		const struct part *p = &e->part[part];

		memcpy(words + p->first, p->known + number_in(p, root) * p->width, p->width * 8);
	}
}

/* The root of a state, where its parts are known or with `add`; else NO_ROOT. */
uint64_t root_of(struct engine *e, const uint64_t *words, bool add)
{
	uint64_t root = 0;

	for (uint32_t part = 0; part < e->parts; part++) {
		struct part *p = &e->part[part];
		int64_t number = add ? number_part(e, p, words) : find_part(p, words);

		if (number < 0)
			return NO_ROOT;
		root = with_number(p, root, (uint64_t)number);
	}
	return root;
}

static uint32_t bits_of(const struct part *p)
{
	return (uint32_t)__builtin_ctzll(p->slot_mask + 1);
}

/*
 * Make the places in a root wide enough for the tables of parts as they are, and move the numbers in the
 * first `count` roots; false where there are too few bits.
 */
static bool fit_root(struct engine *e, uint64_t count)
{
	struct part old[MOST_PARTS];
	uint32_t needed[MOST_PARTS];
	bool fits = true;

	for (uint32_t part = 0; part < e->parts; part++) {
		needed[part] = bits_of(&e->part[part]);
		fits &= e->part[part].slot_mask <= e->part[part].mask;
	}
	if (fits)
		return true;
	memcpy((void *)old, (const void *)e->part, sizeof old);
	if (!make_bits(e, needed))
		return false;
	e->moves++;
	for (uint64_t i = 0; i < count; i++) {
		uint64_t root = 0;

		for (uint32_t part = 0; part < e->parts; part++)
			root = with_number(&e->part[part], root, number_in(&old[part], e->roots[i]));
		e->roots[i] = root;
	}
	return true;
}

/* Join the smallest parts: two, or as many more as it takes for the numbers of all to fit into a root. */
static enum moved join_parts(struct engine *e)
{
	uint8_t *part_of = malloc(e->fields);
	enum moved moved = part_of ? CROWDED : LOST;

	for (uint32_t joined = 2; moved == CROWDED && joined <= e->parts; joined++) {
		bool small[MOST_PARTS] = {false};
		uint8_t number[MOST_PARTS], next = 1;

		for (uint32_t many = 0; many < joined; many++) {
			uint32_t least = MOST_PARTS;

			for (uint32_t part = 0; part < e->parts; part++)
				if (!small[part] &&
				    (least == MOST_PARTS || e->part[part].count < e->part[least].count))
					least = part;
			small[least] = true;
		}
		for (uint32_t part = 0; part < e->parts; part++)
			number[part] = small[part] ? 0 : next++;
		for (uint32_t field = 0; field < e->fields; field++)
			part_of[field] = number[e->part_of[field]];
		moved = repartition(e, part_of);
	}
	free(part_of);
	return moved;
}

/* Enlarge the tables that are nearly full; false where there is no room for that. */
bool grow_parts(struct engine *e)
{
	uint32_t needed = 0;
	bool moves = false;

	for (uint32_t part = 0; part < e->parts; part++) {
		struct part *p = &e->part[part];

		needed += bits_of(p) + (p->count > p->room / 5 * 4);
	}
	if (needed > e->root_bits)
		return join_parts(e) == MOVED;
	for (uint32_t part = 0; part < e->parts; part++) {
		struct part *p = &e->part[part];

		if (p->count <= p->room / 5 * 4)
			continue;
		if (bytes_used(e) + part_bytes(p) > e->memory || !enlarge_part(p))
			return false;
		moves |= p->slot_mask > p->mask;
	}
	if (!moves)
		return true;
	fit_root(e, e->count);
	refill(e);
	forget(e);
	return true;
}

/* -- fields that outgrow their places --------------------------------------------------------------- */

/* Fields from one layout into another, for those of one part. */
static void move_fields(const struct engine *e, uint32_t part, const struct place *old, const uint64_t *from,
			uint64_t *to)
{
	for (uint32_t field = 0; field < e->fields; field++)
		if (e->part_of[field] == part && old[field].mask)
			to[e->places[field].word] |= (uint64_t)field_of(from, old[field])
						     << e->places[field].shift;
}

/* Give fields that have outgrown their places others.  Roots stay.  False where there is no memory. */
bool relayout(struct engine *e)
{
	struct place *old = malloc(e->fields * sizeof *old);
	struct part before[MOST_PARTS];
	bool ok = old != NULL;

	if (ok)
		memcpy(old, e->places, e->fields * sizeof *old);
	memcpy((void *)before, (const void *)e->part, sizeof before);
	set_widths(e);
	ok = ok && lay_out(e);
	for (uint32_t part = 0; ok && part < e->parts; part++) {
		struct part *p = &e->part[part];

		ok = make_part(p, bits_of(&before[part]));
		p->count = 0;
		for (uint32_t number = 0; ok && number < before[part].count; number++) {
			uint64_t from[MOST_WORDS], to[MOST_WORDS] = {0};

			memcpy(from + before[part].first, before[part].known + (uint64_t)number * before[part].width,
			       before[part].width * 8);
			move_fields(e, part, old, from, to);
			ok = number_part(e, p, to) == (int64_t)number;
		}
		free_part(&before[part]);
	}
	free(old);
	forget(e);
	e->moves++;
	e->unsettled_count = 0;
	return ok && compile_trees(e);
}

/* -- other parts ------------------------------------------------------------------------------------ */

/* What each number of an old part contributes to the words of a state in the new layout. */
static uint64_t *contributions(const struct engine *e, const struct part *p, const uint8_t *part_of,
			       uint32_t part, const struct place *old)
{
	uint64_t *found = calloc((uint64_t)p->count * e->words + 1, 8);

	for (uint32_t number = 0; found && number < p->count; number++) {
		uint64_t from[MOST_WORDS], *to = found + (uint64_t)number * e->words;

		memcpy(from + p->first, p->known + (uint64_t)number * p->width, p->width * 8);
		for (uint32_t field = 0; field < e->fields; field++)
			if (part_of[field] == part)
				to[e->places[field].word] |= (uint64_t)field_of(from, old[field])
							     << e->places[field].shift;
	}
	return found;
}

/* New roots for all states, from what the numbers of their old parts contribute. */
static enum moved convert(struct engine *e, const struct part *before, uint32_t parts, uint64_t **adds)
{
	for (uint64_t i = 0; i < e->count; i++) {
		uint64_t words[MOST_WORDS] = {0}, root;

		for (uint32_t part = 0; part < parts; part++) {
			const uint64_t *add = adds[part] + number_in(&before[part], e->roots[i]) * e->words;

			for (uint32_t word = 0; word < e->words; word++)
				words[word] |= add[word];
		}
		while ((root = root_of(e, words, true)) == NO_ROOT) {
			for (uint32_t part = 0; part < e->parts; part++)
				if (e->part[part].count == e->part[part].room && !enlarge_part(&e->part[part]))
					return LOST;
			if (!fit_root(e, i))
				return CROWDED;
		}
		e->roots[i] = root;
	}
	return MOVED;
}

/* Divide the fields otherwise.  CROWDED or LOST: all is as it was. */
enum moved repartition(struct engine *e, const uint8_t *part_of)
{
	struct place *old = malloc(e->fields * sizeof *old);
	uint8_t *old_part = malloc(e->fields);
	uint64_t *roots = malloc(e->count * 8 + 8), *adds[MOST_PARTS] = {0};
	struct part before[MOST_PARTS];
	uint32_t parts = e->parts;
	enum moved moved = LOST;
	bool ok = old && old_part && roots;

	if (ok) {
		memcpy(old, e->places, e->fields * sizeof *old);
		memcpy(old_part, e->part_of, e->fields);
		memcpy(roots, e->roots, e->count * 8);
		memcpy((void *)before, (const void *)e->part, sizeof before);
		ok = empty_parts(e, part_of);
		for (uint32_t part = 0; ok && part < parts; part++)
			ok = (adds[part] = contributions(e, &before[part], old_part, part, old)) != NULL;
		if (ok)
			moved = convert(e, before, parts, adds);
		for (uint32_t part = 0; part < MOST_PARTS; part++)
			free_part(moved == MOVED ? &before[part] : &e->part[part]);
	}
	if (ok && moved != MOVED) {
		memcpy(e->part_of, old_part, e->fields);
		memcpy(e->roots, roots, e->count * 8);
		memcpy((void *)e->part, (const void *)before, sizeof before);
		e->parts = parts;
		lay_out(e);
	}
	for (uint32_t part = 0; part < parts; part++)
		free(adds[part]);
	free(old);
	free(old_part);
	free(roots);
	if (moved != MOVED)
		return moved;
	e->moves++;
	refill(e);
	forget(e);
	e->unsettled_count = 0;
	return compile_trees(e) ? MOVED : LOST;
}
