/* SPDX-License-Identifier: MIT */
/*
 * Bringing interchangeable records into one order, so that one state stands for all that differ by which of
 * them is which.
 *
 * Four numbers order the records of a group: a rank by the first pointer to them from outside all groups, or
 * the first local that holds them; for those without, what is in them, and where the actors stand that belong
 * to them; a rank by pointers out of other groups.  An insertion sort exchanges neighbours.  Groups refer to
 * each other, so it repeats until nothing moves; should it ever not end, two states are kept where one
 * would do.
 */
#include <stdlib.h>
#include <string.h>

#include "engine.h"

enum { FAR = 1 << 30, ROUNDS = 4 };

struct order {
	int32_t rank, last;
	uint64_t content, stands;
};

/* Take over the tables of the caller: for each group its sizes, then its lists (see `struct records`). */
int engine_names(struct engine *e, uint32_t groups, uint32_t exchanges, const int32_t *table, uint64_t length)
{
	struct names *n = &e->names;
	const int32_t *at;

	n->table = malloc(length * sizeof *table + 4);
	n->group = calloc(groups, sizeof *n->group);
	if (!n->table || !n->group)
		return -1;
	memcpy(n->table, table, length * sizeof *table);
	n->groups = groups;
	n->exchanges = exchanges;
	at = n->table;
	for (struct records *g = n->group; g < n->group + groups; g++) {
		uint32_t *sizes = &g->count;

		for (uint32_t i = 0; i < 8; i++)
			sizes[i] = (uint32_t)*at++;
		if (g->count > MOST_RECORDS)
			return -1;
		g->root_fields = at, at += g->outside + g->inside;
		g->members = at, at += 256;
		g->own_fields = at, at += g->count * g->own;
		g->content_fields = at, at += g->count * g->content;
		g->pointer_fields = at, at += g->pointers;
		g->belongs = at, at += g->count * g->belonging;
		g->runs = calloc(g->count * g->content + 1, sizeof *g->runs);
		g->run_count = calloc(g->count, sizeof *g->run_count);
		if (!g->runs || !g->run_count)
			return -1;
	}
	n->codes = at, at += 256 * (uint64_t)exchanges;
	n->actors = at, at += (uint64_t)exchanges * e->actors;
	n->holders = (uint32_t)*at++;
	n->holder = at;
	find_runs(e);
	return 0;
}

/*
 * The fields of each record as few pieces of words.  Those beyond the 63rd bit are left out: records that
 * differ in them alone keep their order.
 */
void find_runs(struct engine *e)
{
	for (struct records *g = e->names.group; g && g < e->names.group + e->names.groups; g++) {
		for (uint32_t record = 0; record < g->count; record++) {
			struct run *run = g->runs + record * g->content - 1;
			uint32_t used = 0, count = 0;

			for (uint32_t k = 0; k < g->content; k++) {
				int32_t field = g->content_fields[record * g->content + k];
				struct place at = e->places[field];
				uint32_t width = e->widths[field];

				if (used + width > 63)
					break;
				if (count && run->word == at.word && run->shift + run->width == at.shift) {
					run->width = (uint8_t)(run->width + width);
				} else {
					*++run = (struct run){0, at.word, at.shift, (uint8_t)width, (uint8_t)used};
					count++;
				}
				used += width;
				run->mask = (UINT64_C(1) << run->width) - 1;
			}
			g->run_count[record] = count;
		}
	}
}

/* Room for what is known of one more frame; false where there is no memory. */
bool add_frame_names(struct engine *e)
{
	struct names *n = &e->names;
	uint32_t room = n->room, same = n->room, before = n->room;
	uint32_t each = n->groups * HELD;

	if (e->frames < n->room)
		return true;
	if (!reserve(&n->becomes, &room, e->frames + 1, n->exchanges * sizeof *n->becomes) ||
	    !reserve(&n->held, &same, e->frames + 1, each) ||
	    !reserve(&n->class, &n->room, e->frames + 1, sizeof *n->class))
		return false;
	memset(n->becomes + (uint64_t)before * n->exchanges, 0xFF,
	       (uint64_t)(n->room - before) * n->exchanges * sizeof *n->becomes);
	memset(n->held + (uint64_t)before * each, 0xFF, (uint64_t)(n->room - before) * each);
	return true;
}

/* What is known of a frame: its class, or HELD records of each group. */
void engine_frame_names(struct engine *e, uint32_t frame, int32_t class, const int8_t *held)
{
	uint32_t each = e->names.groups * HELD;

	e->names.class[frame] = class;
	memcpy(e->names.held + (uint64_t)frame * each, held, each);
}

/* Note what an exchange makes of a frame: the frame with this number of the actor's counterpart. */
void engine_exchange(struct engine *e, uint32_t exchange, uint32_t frame, int32_t number)
{
	e->names.becomes[(uint64_t)frame * e->names.exchanges + exchange] = number;
}

static uint32_t frame_at(const struct engine *e, const uint64_t *words, uint32_t actor)
{
	return e->actor[actor].frames[field_of(words, e->places[e->cells + actor])];
}

static void rank_records(const struct engine *e, const struct records *g, const uint64_t *words,
			 const uint32_t *frames, struct order *order)
{
	const struct names *n = &e->names;
	uint32_t which = (uint32_t)(g - n->group);

	for (uint32_t i = 0; i < g->count; i++)
		order[i] = (struct order){FAR, FAR, 0, 0};
	for (uint32_t i = 0; i < g->outside + g->inside; i++) {
		int32_t member = g->members[field_of(words, e->places[g->root_fields[i]])];
		int32_t *rank;

		if (member < 0)
			continue;
		rank = i < g->outside ? &order[member].rank : &order[member].last;
		if (*rank == FAR)
			*rank = (int32_t)i;
	}
	for (uint32_t i = 0; i < n->holders; i++) {
		uint32_t actor = (uint32_t)n->holder[i];
		const int8_t *held = n->held + ((uint64_t)frames[actor] * n->groups + which) * HELD;

		for (uint32_t place = 0; place < HELD && held[place] >= 0; place++)
			if (order[held[place]].rank == FAR)
				order[held[place]].rank = (int32_t)(g->outside + actor * HELD + place);
	}
	for (uint32_t i = 0; i < g->count; i++) {
		const struct run *run = g->runs + i * g->content, *end = run + g->run_count[i];

		if (order[i].rank != FAR)
			continue;
		for (; run < end; run++)
			order[i].content |= (words[run->word] >> run->shift & run->mask) << run->into;
		for (uint32_t k = 0; k < g->belonging; k++) {
			uint32_t actor = (uint32_t)g->belongs[i * g->belonging + k];

			order[i].stands = order[i].stands << 16 | (uint32_t)n->class[frames[actor]];
		}
	}
}

/* Whether two neighbours must change places. */
static bool wrong(const struct order *one)
{
	const struct order *next = one + 1;

	if (one->rank != next->rank)
		return one->rank > next->rank;
	if (one->content != next->content)
		return next->content > one->content;
	if (one->stands != next->stands)
		return next->stands > one->stands;
	return one->last > next->last;
}

/* Exchange two neighbours; false where an exchange does not know a frame, which is then in `unknown`. */
static bool swap(const struct engine *e, const struct records *g, uint32_t one, uint64_t *words,
		 uint32_t *frames, uint64_t *unknown)
{
	const struct names *n = &e->names;
	uint32_t exchange = g->exchange + one;
	int32_t becomes[MOST_ACTORS];

	for (uint32_t actor = 0; actor < e->actors; actor++) {
		becomes[actor] = n->becomes[(uint64_t)frames[actor] * n->exchanges + exchange];
		if (becomes[actor] < 0) {
			*unknown = (uint64_t)exchange << 32 | frames[actor];
			return false;
		}
	}
	for (uint32_t actor = 0; actor < e->actors; actor++)
		set_field(words, e->places[e->cells + (uint32_t)n->actors[exchange * e->actors + actor]],
			  (uint64_t)becomes[actor]);
	for (uint32_t k = 0; k < g->own; k++) {
		struct place left = e->places[g->own_fields[one * g->own + k]];
		struct place right = e->places[g->own_fields[(one + 1) * g->own + k]];
		uint32_t value = field_of(words, left);

		set_field(words, left, field_of(words, right));
		set_field(words, right, value);
	}
	for (uint32_t k = 0; k < g->pointers; k++) {
		struct place at = e->places[g->pointer_fields[k]];

		set_field(words, at, (uint64_t)n->codes[exchange * 256 + field_of(words, at)]);
	}
	for (uint32_t actor = 0; actor < e->actors; actor++)
		frames[actor] = frame_at(e, words, actor);
	return true;
}

/*
 * Bring interchangeable records into their order: 0 nothing moved, 1 something did, -1: an exchange does not
 * know a frame yet (`exchange << 32 | frame` in `unknown`), and the words may be in disorder.
 */
static int renumber(const struct engine *e, uint64_t *words, uint64_t *unknown)
{
	uint32_t frames[MOST_ACTORS];
	bool moved = true;
	int any = 0;

	for (uint32_t actor = 0; actor < e->actors; actor++)
		frames[actor] = frame_at(e, words, actor);
	for (uint32_t round = 0; moved && round < ROUNDS; round++) {
		moved = false;
		for (const struct records *g = e->names.group; g < e->names.group + e->names.groups; g++) {
			struct order order[MOST_RECORDS], kept;

			rank_records(e, g, words, frames, order);
			for (uint32_t end = 0; end + 1 < g->count; end++) {
				for (uint32_t one = end + 1; one-- > 0 && wrong(&order[one]);) {
					if (!swap(e, g, one, words, frames, unknown))
						return -1;
					kept = order[one];
					order[one] = order[one + 1];
					order[one + 1] = kept;
					moved = true;
					any = 1;
				}
			}
		}
	}
	return any;
}

/*
 * The root of the state that stands for another one; NO_ROOT where something is missing, which the batch
 * then says.
 */
uint64_t canonical(struct engine *e, struct thread *t, struct batch *b, uint64_t root, uint64_t state)
{
	struct memo *m = &t->canon[root * MIX >> (64 - CANON_BITS)];
	uint64_t words[MOST_WORDS], unknown, found = root;
	int moved;

	if (likely(m->key == root))
		return m->value;
	load_words(e, root, words);
	moved = renumber(e, words, &unknown);
	if (moved < 0) {
		report(b, EVENT_EXCHANGE, unknown >> 32, state, (uint32_t)unknown);
		return NO_ROOT;
	}
	if (moved && (found = root_of(e, words, true)) == NO_ROOT)
		b->full = true;
	else
		*m = (struct memo){root, found};
	return found;
}

/*
 * Bring a state that is given by its fields into order, in place.  Returns 0; 1: an exchange does not know a
 * frame, see `unknown`; -1: no memory.
 */
int engine_canonical(struct engine *e, uint16_t *fields, uint64_t *unknown)
{
	uint64_t words[MOST_WORDS] = {0};

	if (e->outgrown && !take_over(e))
		return -1;
	for (uint32_t field = 0; field < e->fields; field++) {
		if (fields[field] > e->places[field].mask)
			return -1;
		set_field(words, e->places[field], fields[field]);
	}
	if (e->names.groups && renumber(e, words, unknown) < 0)
		return 1;
	for (uint32_t field = 0; field < e->fields; field++)
		fields[field] = (uint16_t)field_of(words, e->places[field]);
	return 0;
}
