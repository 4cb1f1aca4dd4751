/* SPDX-License-Identifier: MIT */
/*
 * Questions after a search: whether every state can still reach an end, and who leads to whom.  Nothing is
 * stored for them: states are expanded once more.
 */
#include <stdlib.h>
#include <string.h>

#include "engine.h"

enum { LONGEST = 1 << 10 }; /* states looked at before one state's way out is given up on */

/*
 * Expand some states once more.  Parts that were forgotten when others were chosen are numbered again, and
 * then there may be no room for them: it is made.  False where there is no memory, or where something was
 * never recorded.
 */
static bool again(struct engine *e, uint64_t first, uint32_t count)
{
	struct batch *b = e->alone;

	if (!b && !(b = e->alone = calloc(1, sizeof *b)))
		return false;
	for (;;) {
		if (!ready_thread(e, &e->thread[0]))
			return false;
		b->first = first;
		b->count = count;
		memcpy(b->roots, e->roots + first, count * sizeof *b->roots);
		memset(b->classes, 0, count);
		expand(e, &e->thread[0], b);
		if (b->done == b->count)
			return true;
		if (!b->full || !grow_parts(e))
			return false;
		renew_infos(e, false);
	}
}

/*
 * Whether an end or a later state can be reached from a state by way of earlier ones: 1 yes; 0 no, or not
 * within LONGEST states; -1 no memory.
 */
static int escapes(struct engine *e, uint64_t number)
{
	uint64_t met[LONGEST];
	uint32_t found = 1;

	met[0] = number;
	for (uint32_t taken = 0; taken < found; taken++) {
		if (!again(e, met[taken], 1))
			return -1;
		if (e->alone->forward[0])
			return 1;
		for (uint32_t i = 0; i < e->alone->successors; i++) {
			uint64_t next;
			uint32_t at = 0;

			if (e->alone->to[i] == NO_ROOT)
				continue;
			next = (uint64_t)find_state(e, e->alone->to[i]);
			if (next > number)
				return 1;
			while (at < found && met[at] != next)
				at++;
			if (at == LONGEST)
				return 0;
			if (at == found)
				met[found++] = next;
		}
	}
	return 0;
}

/* Mark states that end or lead to a marked one, from the last to the first; -1: no memory. */
static int64_t sweep(struct engine *e, uint8_t *reaches)
{
	int64_t marked = 0;

	for (uint64_t number = e->count; number-- > 0;) {
		bool found;

		if (reaches[number])
			continue;
		if (!again(e, number, 1))
			return -1;
		found = e->alone->forward[0];
		for (uint32_t i = 0; i < e->alone->successors && !found; i++)
			found = e->alone->to[i] != NO_ROOT && reaches[find_state(e, e->alone->to[i])];
		reaches[number] = found;
		marked += found;
	}
	return marked;
}

/*
 * The states of a finished search from which no end can be reached, in `stuck` (free it with engine_release).
 * Returns how many, or -1: no memory.
 *
 * A state that has a successor with a higher number needs no attention: from such states one climbs, and a
 * climb stops at an end or at a state whose successors were all found before it.  Taken from the last to
 * the first, each of those few needs a way to an end or to any higher number.  Only where that fails are all
 * states swept backwards.
 */
int64_t engine_stuck(struct engine *e, uint64_t **stuck)
{
	uint8_t *reaches;
	int64_t marked = 1, count = 0;
	int free_way = 1;

	*stuck = NULL;
	for (uint64_t i = e->retreats; free_way == 1 && i-- > 0;)
		free_way = escapes(e, e->retreating[i]);
	if (free_way)
		return free_way == 1 ? 0 : -1;
	if (!(reaches = calloc(e->count, 1)))
		return -1;
	while (marked > 0)
		marked = sweep(e, reaches);
	for (uint64_t i = 0; i < e->count; i++)
		count += !reaches[i];
	if (marked == 0 && count && (*stuck = malloc((uint64_t)count * sizeof **stuck)))
		for (uint64_t i = 0, at = 0; i < e->count; i++)
			if (!reaches[i])
				(*stuck)[at++] = i;
	free(reaches);
	return marked < 0 || (count && !*stuck) ? -1 : count;
}

/*
 * Judge the states from `first` on, which a search that ended early has found and not expanded, as far as
 * nothing need be asked: `events` says what then.  Returns the state to go on from, the number of states
 * where all are judged; NO_ROOT: no memory.
 */
uint64_t engine_judge_rest(struct engine *e, uint64_t first, const struct event **events, uint32_t *count)
{
	struct batch *b = e->alone;
	uint64_t words[MOST_WORDS];

	*count = 0;
	if (!b && !(b = e->alone = calloc(1, sizeof *b)))
		return NO_ROOT;
	if (e->outgrown && !take_over(e))
		return NO_ROOT;
	b->reported = 0;
	for (b->first = first; b->first < e->count && !b->reported; b->first++) {
		uint64_t set = e->classes[e->state_class[b->first]];

		if (!set)
			continue;
		load_words(e, e->roots[b->first], words);
		judge(e, b, 0, set, words);
	}
	*events = b->events;
	*count = b->reported;
	return b->nomem ? NO_ROOT : b->first;
}

void engine_release(void *memory)
{
	free(memory);
}

/* The successors of a state, in `next` (of the engine: until the next question).  Returns how many; -1: no
 * memory. */
int64_t engine_successors(struct engine *e, uint64_t number, const uint64_t **next)
{
	struct batch *b;
	uint32_t many = 0;

	if (!again(e, number, 1))
		return -1;
	b = e->alone;
	for (uint32_t i = 0; i < b->successors; i++)
		if (b->to[i] != NO_ROOT)
			b->to[many++] = (uint64_t)find_state(e, b->to[i]);
	*next = b->to;
	return many;
}

static int by_value(const void *left, const void *right)
{
	uint64_t one = *(const uint64_t *)left, other = *(const uint64_t *)right;

	return (one > other) - (one < other);
}

/*
 * Which of the states `first` to `last` - 1 have a step to one of some states: their numbers go to `parents`,
 * which has room for all of them.  Returns how many; -1: no memory.
 */
int64_t engine_parents(struct engine *e, uint64_t first, uint64_t last, const uint64_t *wanted, uint32_t count,
		       uint64_t *parents)
{
	uint64_t *roots = malloc(count * sizeof *roots + 8);
	int64_t found = 0;

	while (roots && first < last) {
		uint32_t many = last - first < BATCH ? (uint32_t)(last - first) : BATCH;
		struct batch *b;

		if (!again(e, first, many)) {
			found = -1;
			break;
		}
		for (uint32_t i = 0; i < count; i++) /* anew: their places in a root may have changed */
			roots[i] = e->roots[wanted[i]];
		qsort(roots, count, sizeof *roots, by_value);
		b = e->alone;
		for (uint32_t i = 0; i < b->begins[many]; i++) {
			uint64_t parent = first + b->from[i];

			if (b->to[i] != NO_ROOT && (!found || parents[found - 1] != parent) &&
			    bsearch(&b->to[i], roots, count, sizeof *roots, by_value))
				parents[found++] = parent;
		}
		first += many;
	}
	free(roots);
	return roots ? found : -1;
}
