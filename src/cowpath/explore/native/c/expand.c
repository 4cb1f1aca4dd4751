/* SPDX-License-Identifier: MIT */
/*
 * Every step from some states: the hot loop.
 *
 * Two steps in three stay in one part, and that part's number has the answer ready.  The others are put
 * aside and taken frame by frame: nine times in ten such a step ends at the leaf at which it ended when an
 * actor last stood in this frame, which one masked comparison tells, and what that leaf makes of a part is
 * remembered.  Where a step chooses freely, or may be the one that keeps a run from ending, its tree is
 * asked at once.
 */
#include <stdlib.h>
#include <string.h>

#include "engine.h"

enum {
	MOST_EVENTS = 64, /* of a batch, before it ends early */
	FEW_TASKS = 256,  /* not worth sorting */
};

/* Note something for the caller; false where there is no memory. */
bool report(struct batch *b, enum event_kind kind, uint32_t which, uint64_t state, uint64_t where)
{
	if (kind == EVENT_STEP || kind == EVENT_EXCHANGE || kind == EVENT_TOLD) /* once is enough */
		for (uint32_t i = 0; i < b->reported; i++)
			if (b->events[i].kind == kind && b->events[i].which == which && b->events[i].where == where)
				return true;
	if (!reserve(&b->events, &b->events_room, b->reported + 1, sizeof *b->events)) {
		b->nomem = true;
		return false;
	}
	b->events[b->reported++] = (struct event){kind, which, state, where};
	return true;
}

/* -- what a thread remembers ------------------------------------------------------------------------ */

/* Forget what depends on where fields stand or on places in a root. */
void forget(struct engine *e)
{
	for (uint32_t i = 0; i < 2; i++) {
		struct thread *t = &e->thread[i];

		if (t->parts)
			memset(t->parts, 0xFF, sizeof *t->parts << MEMO_BITS);
		if (t->canon)
			memset(t->canon, 0xFF, sizeof *t->canon << CANON_BITS);
		t->frames = 0;
		free(t->words);
		t->words = NULL;
	}
}

/* Make sure that a thread has what it needs; false where there is no memory. */
bool ready_thread(struct engine *e, struct thread *t)
{
	uint32_t frames = (uint32_t)(e->frames + e->frames / 4 + 64);

	if (!t->parts) {
		if (!(t->parts = malloc(sizeof *t->parts << MEMO_BITS)))
			return false;
		memset(t->parts, 0xFF, sizeof *t->parts << MEMO_BITS);
	}
	if (e->names.groups && !t->canon) {
		if (!(t->canon = malloc(sizeof *t->canon << CANON_BITS)))
			return false;
		memset(t->canon, 0xFF, sizeof *t->canon << CANON_BITS);
	}
	if (!t->words && !(t->words = aligned_alloc(64, (uint64_t)BATCH * e->stride * 8)))
		return false;
	if (t->frames >= e->frames)
		return true;
	free(t->guesses);
	free(t->leaves);
	free(t->counts);
	t->guesses = calloc((uint64_t)frames * WAYS * 2 * e->stride, 8);
	t->leaves = calloc((uint64_t)frames * WAYS, sizeof *t->leaves);
	t->counts = calloc((uint64_t)frames, sizeof *t->counts);
	t->frames = t->guesses && t->leaves && t->counts ? frames : 0;
	return t->frames != 0;
}

/* -- steps ------------------------------------------------------------------------------------------ */

static bool room_for(struct batch *b, uint32_t more)
{
	uint32_t room = b->room, same = b->room;

	if (likely(b->successors + more <= b->room))
		return true;
	if (reserve(&b->to, &room, b->successors + more, sizeof *b->to) &&
	    reserve(&b->leaf, &same, b->successors + more, sizeof *b->leaf) &&
	    reserve(&b->from, &b->room, b->successors + more, sizeof *b->from))
		return true;
	b->nomem = true;
	return false;
}

/* What a leaf makes of a state, but for the monitor; NO_ROOT where a part has no room left. */
static inline uint64_t after_leaf(struct engine *e, struct thread *t, uint64_t root, uint32_t leaf,
				  const uint64_t *words)
{
	const struct leaf *l = &e->leaf[leaf];
	uint64_t next = root;

	for (uint32_t i = l->first_group; i < l->first_group + l->groups; i++) {
		const struct group *g = &e->group[i];
		struct part *p = &e->part[g->part];
		uint64_t key = (uint64_t)g->effect << 32 | number_in(p, root), after[MOST_WORDS];
		struct memo *m = &t->parts[key * MIX >> (64 - MEMO_BITS)];
		int64_t number;

		if (likely(m->key == key)) {
			next = with_number(p, next, m->value);
			continue;
		}
		memcpy(after + p->first, words + p->first, p->width * 8);
		apply_group(e, g, words, after);
		number = number_part(e, p, after);
		if (number < 0)
			return NO_ROOT;
		if (!g->foreign)
			*m = (struct memo){key, (uint64_t)number};
		next = with_number(p, next, (uint64_t)number);
	}
	return next;
}

/*
 * The state after a step; NO_ROOT where something is missing, which the batch then says.  Another leaf may
 * take the place of one that the monitor refuses.
 */
static inline uint64_t after_step(struct engine *e, struct thread *t, struct batch *b, uint32_t state,
				  uint32_t *leaf, const uint64_t *words)
{
	uint64_t root = b->roots[state], next = after_leaf(e, t, root, *leaf, words);

	if (next != NO_ROOT && e->leaf[*leaf].told) {
		uint32_t told = *leaf;

		if (!tell(e, t, b, b->first + state, &next, leaf))
			return NO_ROOT;
		if (unlikely(*leaf != told))
			next = after_leaf(e, t, root, *leaf, words);
	}
	b->full |= next == NO_ROOT;
	return next;
}

/* What a walk misses that ends nowhere: a place in the trees, 0 for the very start. */
static uint64_t missing(const struct engine *e, uint64_t link, const uint64_t *words)
{
	uint64_t at = 0;

	while (!(link & LEAF)) {
		at = 1 + (link >> 32) + (words[link >> 8 & 0x7F] >> (link & 0x3F) & (link >> 16 & 0xFFFF));
		link = e->kid[at - 1];
	}
	return at;
}

/*
 * Every step of an actor from a frame, in the order of its choices.  Returns how many there are; -1 where
 * something is missing.
 */
static int64_t all_steps(struct engine *e, struct thread *t, struct batch *b, uint32_t state, uint32_t frame,
			 const uint64_t *words)
{
	uint64_t todo[512], link = e->tree[e->frame_tree + frame], where = 0;
	uint32_t top = 0, before = b->successors;

	for (;;) {
		while (!(link & (LEAF | CHOICE))) {
			where = 1 + (link >> 32) +
				(words[link >> 8 & 0x7F] >> (link & 0x3F) & (link >> 16 & 0xFFFF));
			link = e->kid[where - 1];
		}
		if (link == MISSING) {
			report(b, EVENT_STEP, frame, b->first + state, where);
			return -1;
		}
		if (link & LEAF) {
			uint32_t leaf = (uint32_t)link;

			if (e->leaf[leaf].kind != BLOCKED) {
				uint64_t next = after_step(e, t, b, state, &leaf, words);

				if (next == NO_ROOT || !room_for(b, 1))
					return -1;
				b->to[b->successors] = next;
				b->leaf[b->successors] = leaf;
				b->from[b->successors++] = (uint16_t)state;
			}
		} else { /* kids are put aside by place, so that it is known where one is missing */
			uint32_t options = link >> 16 & 0xFFFF;

			if (top + options > 512) {
				b->nomem = true;
				return -1;
			}
			for (uint32_t i = options; i > 0; i--)
				todo[top++] = (link >> 32) + i - 1;
		}
		if (top == 0)
			return b->successors - before;
		where = 1 + todo[--top];
		link = e->kid[where - 1];
	}
}

/* Room to put aside a step of every actor; false where there is no memory. */
static bool task_room(struct engine *e, struct thread *t, struct batch *b)
{
	uint32_t wanted = t->task_count + e->actors, room = t->task_room;

	if (likely(wanted <= t->task_room))
		return true;
	if (reserve(&t->tasks, &room, wanted, sizeof *t->tasks) &&
	    reserve(&t->sorted, &t->task_room, wanted, sizeof *t->sorted))
		return true;
	b->nomem = true;
	return false;
}

/* Whether a state agrees with what was in the fields that a remembered walk has read. */
static inline bool agrees(const uint64_t *words, const uint64_t *mask, const uint64_t *value, uint32_t stride)
{
	uint64_t differs = 0;

	for (uint32_t block = 0; block < stride; block += 8)
		for (uint32_t i = block; i < block + 8; i++)
			differs |= (words[i] & mask[i]) ^ value[i];
	return !differs;
}

/* Walk a frame's tree, and remember what was read; the leaf, or MISSING. */
static uint64_t walk_noting(struct engine *e, uint64_t *masks, uint32_t *leaves, uint32_t frame,
			    const uint64_t *words)
{
	uint32_t stride = e->stride;
	uint64_t link = e->tree[e->frame_tree + frame];

	memmove(masks + 2 * stride, masks, (WAYS - 1) * 2 * stride * 8);
	memmove(leaves + 1, leaves, (WAYS - 1) * sizeof *leaves);
	memset(masks, 0, 2 * stride * 8);
	while (!(link & LEAF)) {
		uint32_t word = link >> 8 & 0x7F;
		uint64_t mask = (link >> 16 & 0xFFFF) << (link & 0x3F);

		masks[word] |= mask;
		masks[stride + word] |= words[word] & mask;
		link = follow(e, link, words);
	}
	leaves[0] = link == MISSING ? 0 : (uint32_t)link;
	return link;
}

/* The leaf at which a step ends, MISSING where it is not recorded: by what is remembered, or by a walk. */
static inline uint64_t guessed_leaf(struct engine *e, struct thread *t, uint32_t frame, const uint64_t *words)
{
	uint32_t stride = e->stride, *leaves = t->leaves + (uint64_t)frame * WAYS;
	uint64_t *masks = t->guesses + (uint64_t)frame * WAYS * 2 * stride;

	for (uint32_t way = 0; way < WAYS; way++) {
		const uint64_t *mask = masks + way * 2 * stride;

		if (leaves[way] && (stride == 8 ? agrees(words, mask, mask + 8, 8)
						: agrees(words, mask, mask + stride, stride)))
			return LEAF | leaves[way];
	}
	return walk_noting(e, masks, leaves, frame, words);
}

/* A state is not complete; those before it are. */
static void lacks(struct batch *b, uint32_t state)
{
	if (state < b->done)
		b->done = state;
}

/* The steps that were put aside, frame by frame; `counts` is empty afterwards. */
static const struct task *sort_tasks(struct engine *e, struct thread *t)
{
	uint32_t at = 0;

	if (t->task_count < FEW_TASKS) {
		for (uint32_t i = 0; i < t->task_count; i++)
			t->counts[t->tasks[i].frame] = 0;
		return t->tasks;
	}
	for (uint32_t frame = 0; frame < e->frames; frame++) {
		uint32_t many = t->counts[frame];

		t->counts[frame] = at;
		at += many;
	}
	for (uint32_t i = 0; i < t->task_count; i++)
		t->sorted[t->counts[t->tasks[i].frame]++] = t->tasks[i];
	memset(t->counts, 0, e->frames * sizeof *t->counts);
	return t->sorted;
}

/* Take the steps that were put aside. */
static void take_tasks(struct engine *e, struct thread *t, struct batch *b)
{
	const struct task *task = sort_tasks(e, t), *end = task + t->task_count;

	for (; task < end; task++) {
		const uint64_t *words = t->words + (uint64_t)task->state * e->stride;
		uint64_t link = guessed_leaf(e, t, task->frame, words);
		bool lacking = link == MISSING;

		if (unlikely(lacking)) {
			report(b, EVENT_STEP, task->frame, b->first + task->state,
			       missing(e, e->tree[e->frame_tree + task->frame], words));
		} else if (e->leaf[(uint32_t)link].kind != BLOCKED) {
			uint32_t leaf = (uint32_t)link;
			uint64_t next = after_step(e, t, b, task->state, &leaf, words);

			b->to[task->successor] = next;
			b->leaf[task->successor] = leaf;
			lacking = next == NO_ROOT;
		}
		if (unlikely(lacking))
			lacks(b, task->state);
	}
}

/* -- states ----------------------------------------------------------------------------------------- */

/* Judge the invariants of a set in a state of a batch. */
void judge(struct engine *e, struct batch *b, uint32_t state, uint64_t set, const uint64_t *words)
{
	uint64_t late = set & CRASHED; /* bit 63 stands for all beyond */

	for (set &= ~CRASHED & ~e->broken; set; set &= set - 1) {
		uint32_t which = (uint32_t)__builtin_ctzll(set);
		uint64_t link = walk(e, e->tree[which], words);

		if (link == MISSING || e->leaf[(uint32_t)link].kind == BROKEN)
			report(b, EVENT_JUDGE, which, b->first + state, 0);
	}
	for (uint32_t which = 63; late && which < e->invariants; which++) {
		uint64_t link = walk(e, e->tree[which], words);

		if (!e->broken_late[which - 63] &&
		    (link == MISSING || e->leaf[(uint32_t)link].kind == BROKEN))
			report(b, EVENT_JUDGE, which, b->first + state, 0);
	}
}

/* Note the outcome of a state where a run may end, if it is not known. */
static void observe(struct engine *e, struct batch *b, uint32_t state, bool crashed, const uint64_t *words)
{
	bool known;

	if (crashed)
		known = e->crash_known[field_of(words, e->places[e->fields - 1])];
	else
		known = walk(e, e->tree[e->invariants], words) != MISSING;
	if (!known)
		report(b, EVENT_OUTCOME, 0, b->first + state, 0);
}

/* What the loop below needs of a part, where no store can change it. */
struct view {
	uint64_t mask;
	const uint64_t *known, *steps;
	struct info *info;
	uint32_t shift, first, width, stride;
};

/* What all parts of a state decide together. */
struct decided {
	uint64_t able, to_judge;
	bool rests;
};

/* Load a state, and what its parts decide; false where there is no room for what follows one of them. */
static inline __attribute__((always_inline)) bool
load_state(struct engine *e, struct batch *b, uint64_t root, const struct view *view, const uint32_t parts,
	   uint64_t *words, struct decided *d)
{
	for (uint32_t part = 0; part < parts; part++) {
		const struct view *v = &view[part];
		uint64_t number = root >> v->shift & v->mask;
		struct info *info = &v->info[number];
		const uint64_t *known = v->known + number * v->width;

		if (unlikely(!atomic_load_explicit(&info->ready, memory_order_acquire)) &&
		    !fill_info(e, part, (uint32_t)number)) {
			b->full = true;
			return false;
		}
		d->able |= info->able;
		d->rests &= info->rests;
		d->to_judge &= ~info->holds;
		for (uint32_t i = 0; i < v->width; i++)
			words[v->first + i] = known[i];
	}
	return true;
}

/* Take the steps of a state that cost little, and put the others aside; false where a batch must end. */
static inline __attribute__((always_inline)) bool
expand_state(struct engine *e, struct thread *t, struct batch *b, uint32_t state, const struct view *view,
	     const uint32_t parts)
{
	uint64_t root = b->roots[state], *words = t->words + (uint64_t)state * e->stride;
	struct decided d = {0, e->classes[b->classes[state]], true};
	uint32_t at, tasks = t->task_count;
	bool crashed;

	if (unlikely(b->reported >= MOST_EVENTS && state > 0) || !room_for(b, e->actors) || !task_room(e, t, b) ||
	    !load_state(e, b, root, view, parts, words, &d))
		return false;
	if (unlikely(d.to_judge))
		judge(e, b, state, d.to_judge, words);
	crashed = d.able & CRASHED;
	at = b->successors;
	for (uint64_t able = crashed ? 0 : d.able; able; able &= able - 1) {
		uint32_t actor = (uint32_t)__builtin_ctzll(able), part = e->actor_part[actor];
		const struct view *v = &view[part];
		uint64_t step = v->steps[(root >> v->shift & v->mask) * v->stride + e->actor_slot[actor]];
		uint32_t frame = (uint32_t)step;

		if (likely(step & LOCAL)) {
			b->to[at] = (root & ~(v->mask << v->shift)) | (step & 0xFFFFFFFF) << v->shift;
			b->leaf[at] = step >> 32 & 0x3FFFFFFF;
			b->from[at++] = (uint16_t)state;
		} else if (unlikely(e->frame[frame].choice || (d.rests && (step & WAITS)))) {
			int64_t many;

			b->successors = at;
			many = all_steps(e, t, b, state, frame, words);
			if (many < 0)
				lacks(b, state);
			if (b->full || b->nomem || !room_for(b, e->actors))
				return false;
			at = b->successors;
			d.rests &= many <= 0 || !(step & WAITS);
		} else { /* it has its place among the successors already */
			t->tasks[tasks++] = (struct task){at, frame, (uint16_t)state};
			t->counts[frame]++;
			b->to[at] = NO_ROOT;
			b->from[at++] = (uint16_t)state;
		}
	}
	b->successors = at;
	t->task_count = tasks;
	b->forward[state] = crashed || d.rests;
	if (unlikely(crashed || d.rests))
		observe(e, b, state, crashed, words);
	return !b->nomem;
}

/* The loop over the states; with the number of parts known, loops over them are unrolled. */
static inline __attribute__((always_inline)) uint32_t
expand_all(struct engine *e, struct thread *t, struct batch *b, const struct view *view, const uint32_t parts)
{
	uint32_t state;

	for (state = 0; state < b->count; state++) {
		b->begins[state] = b->successors;
		if (!expand_state(e, t, b, state, view, parts))
			break;
	}
	return state;
}

static uint32_t expand_states(struct engine *e, struct thread *t, struct batch *b)
{
	struct view view[MOST_PARTS];

	for (uint32_t part = 0; part < e->parts; part++) {
		const struct part *p = &e->part[part];

		view[part] = (struct view){p->mask, p->known, p->steps, p->info, p->shift, p->first, p->width,
					   p->stride};
	}
	if (e->parts == 5) /* with a monitor */
		return expand_all(e, t, b, view, 5);
	if (e->parts == 4)
		return expand_all(e, t, b, view, 4);
	if (e->parts == 3)
		return expand_all(e, t, b, view, 3);
	return expand_all(e, t, b, view, e->parts);
}

/*
 * Every step from the states of a batch.  Where something is missing, in the trees or of room, `done` says
 * how far it is complete; events tell what to record.
 */
void expand(struct engine *e, struct thread *t, struct batch *b)
{
	uint32_t kept = 0, end;

	b->successors = b->reported = 0;
	b->full = b->nomem = false;
	t->task_count = 0;
	b->done = b->count;
	end = expand_states(e, t, b);
	lacks(b, end);
	b->begins[end] = end == b->count ? b->successors : b->begins[end];
	take_tasks(e, t, b);
	for (uint32_t i = 0; e->names.groups && i < b->begins[end]; i++) {
		if (b->to[i] == NO_ROOT)
			continue;
		b->to[i] = canonical(e, t, b, b->to[i], b->first + b->from[i]);
		if (unlikely(b->to[i] == NO_ROOT))
			lacks(b, b->from[i]);
	}
	for (uint32_t i = 0; i < b->reported; i++) { /* what comes after is done again */
		const struct event *event = &b->events[i];

		if (event->kind == EVENT_STEP || event->kind == EVENT_EXCHANGE || event->kind == EVENT_TOLD ||
		    event->state < b->first + b->done)
			b->events[kept++] = *event;
	}
	b->reported = kept;
}
