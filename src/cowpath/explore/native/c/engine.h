/* SPDX-License-Identifier: MIT */
/*
 * The native search engine.  It knows fields, words, parts, trees and states, and nothing of any kernel.
 *
 * A state is a row of *fields*: the cells, then a frame number for each actor, then a crash number.  The
 * fields are divided into *parts* (packing.c).  Every distinct part is stored once, under a number
 * (parts.c); a state is its *root*, 64 bits with the numbers of its parts.  States lie in one array in the
 * order in which they were found, which is breadth first, and an exact table finds one again (table.c).
 *
 * What an actor does in a frame, whether an invariant holds and what is observed at an end are decision
 * trees over fields (trees.c).  They grow while a search runs: where a walk meets nothing, an event asks the
 * caller to record what is missing.  expand.c takes every step from some states, run.c has the loop and the
 * threads, rename.c brings interchangeable records into one order, split.c chooses the parts, told.c moves
 * the number of a monitor by what steps tell, and paths.c answers questions about what was found.
 *
 * Only functions named engine_* are called from outside.
 */
#ifndef ENGINE_H
#define ENGINE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	MOST_ACTORS = 62,  /* an actor is a bit of 64; CRASHED takes one */
	MOST_PARTS = 6,
	MOST_WORDS = 64,   /* of a state */
	MOST_RECORDS = 16, /* of one interchangeable group */
	MONITOR_FIELDS = 3,
	HELD = 4,          /* records of one group that the locals of a frame are searched for */
	BATCH = 4096,      /* states that are expanded at once, at most */
	SMALL_BATCH = 64,  /* and where something was missing just now */
	RING = 4,          /* batches under way */
	WAYS = 2,          /* leaves that are remembered for each frame */
	MEMO_BITS = 15,
	CANON_BITS = 16,
};

#define CRASHED (UINT64_C(1) << 63)
#define NO_ROOT UINT64_MAX
#define NO_MONITOR UINT32_MAX
#define MIX UINT64_C(0x9E3779B97F4A7C15)
#define MIX2 UINT64_C(0xD6E8FEB86659FD93)
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* -- where a field stands --------------------------------------------------------------------------- */

struct place {
	uint8_t word;
	uint8_t shift;
	uint16_t mask; /* not shifted; 0 for a field that has one value only */
};

static inline uint32_t field_of(const uint64_t *words, struct place at)
{
	return (uint32_t)(words[at.word] >> at.shift) & at.mask;
}

static inline void set_field(uint64_t *words, struct place at, uint64_t value)
{
	words[at.word] = (words[at.word] & ~((uint64_t)at.mask << at.shift)) | value << at.shift;
}

/* -- trees ------------------------------------------------------------------------------------------ */

/*
 * A link says where a walk goes on: to a node, to a leaf (LEAF | its number), or nowhere (MISSING).  The
 * link to a node is all that a walk needs: `first kid << 32 | mask << 16 | choice << 15 | word << 8 | shift`.
 * Trees are kept in fields as well (`node`, `leaf`), so that links and ops can be made anew when fields move.
 */
#define LEAF (UINT64_C(1) << 63)
#define MISSING UINT64_MAX
#define CHOICE (UINT64_C(1) << 15)

struct node {
	int32_t field;  /* < 0: a free choice among -field options */
	uint32_t first; /* of its kids */
};

enum leaf_kind { STEP, BLOCKED, HOLDS, BROKEN };

struct leaf {
	uint32_t first_op;    /* (field, value) for each write, then (target, source) for each move */
	uint32_t first_group; /* the same by part */
	uint16_t writes, moves;
	uint8_t groups, kind;
	uint8_t watch; /* class of the invariants that may change with it, see `classes` */
	uint32_t told; /* what it tells a monitor, as a number; 0: nothing */
};

/* What a leaf makes of one part.  A store is (word, bits to keep, bits to set); a move is one word for
 * where it goes and one for where it comes from. */
struct group {
	uint32_t first;  /* in `stores` */
	uint32_t effect; /* the first group that does the same */
	uint8_t part, stores, moves;
	bool foreign; /* it reads another part */
};

/* What a frame means for the end of a run: it must go on; it may end; it may end if nothing lets this actor
 * begin. */
enum rest { MOVING, RESTING, WAITING };

struct frame {
	uint8_t actor, rest;
	bool finished, choice; /* some step from it chooses freely */
};

struct actor {
	uint32_t *frames; /* frame of each number */
	uint32_t count, room;
};

/* -- parts ------------------------------------------------------------------------------------------ */

/* What one part decides alone. */
struct info {
	uint64_t able;  /* actors whose frames are here and that it does not block; CRASHED */
	uint64_t holds; /* invariants that hold whatever the other parts are */
	bool rests;     /* no frame here keeps a run from ending */
	_Atomic bool ready;
};

/* What an able actor does: a step within this part, `leaf << 32 | number of the part after it`, or a frame
 * whose tree must be asked. */
#define LOCAL (UINT64_C(1) << 63)
#define ASK (UINT64_C(1) << 62)
#define WAITS (UINT64_C(1) << 61) /* the frame is WAITING */

struct part {
	uint32_t first, width; /* words in a state */
	uint32_t shift;        /* place in a root */
	uint32_t stride;       /* actors whose frames are here */
	uint64_t mask;
	uint64_t *known;          /* the words of each */
	struct info *info;
	uint64_t *steps;          /* `stride` of each */
	_Atomic uint64_t *slots;  /* open addressing: half a hash, then 1 + the number */
	uint64_t slot_mask;
	_Atomic uint32_t count;
	uint32_t room;
};

/* -- interchangeable records ------------------------------------------------------------------------ */

/* Neighbouring fields of a record, taken as one number. */
struct run {
	uint64_t mask;
	uint8_t word, shift, width;
	uint8_t into; /* where it goes in the number that stands for all */
};

struct records {
	uint32_t count, exchange; /* how many, and the first exchange of neighbours */
	uint32_t outside, inside; /* pointers to rank by: from outside all groups, then out of other groups */
	uint32_t own, content, pointers, belonging;
	const int32_t *root_fields, *members, *own_fields, *content_fields, *pointer_fields, *belongs;
	struct run *runs;    /* [record][content]: its fields but for pointers, under the present packing */
	uint32_t *run_count; /* of each record */
};

struct names {
	uint32_t groups, exchanges, holders;
	int32_t *table; /* everything below points into it */
	struct records *group;
	const int32_t *codes;  /* [exchange][256] what becomes of a pointer */
	const int32_t *actors; /* [exchange][actor] where it goes */
	const int32_t *holder; /* actors that belong to no record */
	int32_t *becomes;      /* [frame][exchange] number of the frame that it becomes, -1: not known yet */
	int32_t *class;        /* [frame] equal for frames of actors that an exchange swaps */
	int8_t *held;          /* [frame][group][HELD] records held in locals, -1: none */
	uint32_t room;         /* frames */
};

/* -- a monitor -------------------------------------------------------------------------------------- */

/* What becomes of the monitor's number, by (number, what is told); who fills it is alone. */
struct monitor {
	uint32_t field;  /* the first of the three that hold the number; NO_MONITOR: there is none */
	uint64_t *keys;  /* 0: free */
	uint32_t *after; /* the number after it, or REFUSED; for a refused leaf, the one in its place */
	uint64_t slots, count;
};

#define REFUSED UINT32_MAX
#define UNKNOWN (UINT32_MAX - 1)

/* -- work ------------------------------------------------------------------------------------------- */

enum event_kind { EVENT_STEP, EVENT_JUDGE, EVENT_OUTCOME, EVENT_EXCHANGE, EVENT_TOLD };

struct event {
	uint32_t kind, which; /* frame, invariant, 0, exchange, leaf */
	uint64_t state;
	uint64_t where; /* place in the trees; frame for an exchange; number of the monitor */
};

enum batch_state { IDLE, PENDING, BUSY, READY };

/* Some states and what they lead to. */
struct batch {
	enum batch_state state;
	uint64_t first;
	uint32_t count;
	uint32_t done;      /* states before the first one where something is missing */
	bool full, nomem;   /* what is missing is room for parts, or memory */
	uint64_t roots[BATCH];
	uint8_t classes[BATCH];
	uint8_t forward[BATCH]; /* states that end or have a successor with a higher number */
	uint32_t begins[BATCH + 1]; /* first successor of each */
	uint64_t *to;       /* roots of successors; NO_ROOT: the step is blocked */
	uint32_t *leaf;
	uint16_t *from;
	uint32_t successors, room, blocked;
	struct event *events;
	uint32_t reported, events_room;
};

struct memo {
	uint64_t key, value;
};

struct task {
	uint32_t successor, frame;
	uint16_t state;
};

/* What one thread remembers; all of it may be forgotten. */
struct thread {
	struct memo *parts; /* what a group makes of a part */
	struct memo *canon; /* what renaming makes of a root */
	uint64_t *guesses;  /* [frame][WAYS]: masks, then values */
	uint32_t *leaves;   /* [frame][WAYS] */
	uint32_t *counts;   /* per frame, for sorting */
	uint32_t frames;
	uint64_t *words;    /* of the states of a batch */
	struct task *tasks, *sorted;
	uint32_t task_count, task_room;
};

struct engine {
	/* fields; `unit` says which belong together */
	uint32_t fields, actors, cells, words, stride;
	uint32_t *sizes;
	uint8_t *widths, *part_of;
	uint16_t *unit;
	struct place *places;
	uint32_t parts;
	struct part part[MOST_PARTS];
	uint8_t actor_part[MOST_ACTORS], actor_slot[MOST_ACTORS];
	bool outgrown;  /* a field takes a value that has no room */
	uint32_t moves; /* how often all roots became others */
	uint16_t *initial;

	/* trees: of the invariants, of what is observed, of the frames */
	struct node *node;
	uint32_t nodes, node_room;
	uint64_t *kid;
	int32_t *kid_entry;
	uint32_t kids, kid_room;
	struct leaf *leaf;
	uint32_t leaves, leaf_room;
	uint16_t *op;
	uint32_t ops, op_room;
	struct group *group;
	uint32_t groups, group_room;
	uint32_t *effect; /* groups by what they do: 1 + one for each effect */
	uint32_t effects, effect_room;
	uint64_t *stores;
	uint32_t store_count, store_room;
	int32_t *tree_entry;
	uint64_t *tree;
	uint32_t trees, tree_room, frame_tree;
	struct frame *frame;
	uint32_t frames, frame_room;
	struct actor actor[MOST_ACTORS];
	uint32_t recordings;
	bool crash_known[256];
	struct unsettled {
		uint32_t part, number;
	} *unsettled; /* parts that may decide more when more is recorded */
	uint32_t unsettled_count, unsettled_room;

	/* invariants: bit 63 stands for all beyond the 63rd */
	uint32_t invariants;
	uint64_t *readers; /* per field */
	uint64_t broken;   /* those that need no more judging */
	uint8_t *broken_late; /* the same for those beyond */
	uint64_t classes[256];
	uint32_t class_count;
	bool rewatch;

	struct names names;
	struct monitor monitor;

	/* states */
	uint64_t *roots;
	uint8_t *state_class;
	uint64_t count, capacity, memory;
	uint32_t *table;
	uint64_t slots;
	uint32_t bits; /* of a slot that are a number */
	uint32_t *retreating; /* states all of whose successors were found before them */
	uint64_t retreats, retreat_room;
	uint64_t *levels; /* first state of each distance from the initial one, and of the next */
	uint32_t level_count, level_room;
	uint64_t transitions;
	uint32_t first_bits; /* of the table of a part when it is new: small ones are for tests */
	uint32_t root_bits;  /* that part numbers may take: fewer are for tests */

	/* the loop */
	pthread_mutex_t lock, numbering, filling;
	pthread_cond_t changed;
	uint32_t threads, batch_size, expanding, level_at;
	uint32_t largest_batch, helped_from; /* states to expand from which on another thread helps */
	struct batch *ring[RING];
	uint64_t head, tail, next, visible, chosen_at;
	bool entering, regrow, helping;
	int stop;
	uint64_t max_states;
	double deadline;
	struct thread thread[2];
	struct batch *alone; /* for questions after the search */
};

/* How a run ends; the first means go on. */
enum stop { RUNNING, DONE, EVENTS, BOUND, PAUSED, FULL, NO_MEMORY };

/* What became of other parts: roots are new; their numbers would not fit into a root; no memory. */
enum moved { MOVED, CROWDED, LOST };

/* trees.c */
bool reserve(void *array, uint32_t *room, uint64_t count, size_t size);

/* packing.c */
bool lay_out(struct engine *e);
bool start_parts(struct engine *e);
uint32_t monitor_unit(const struct engine *e);
bool relayout(struct engine *e);
enum moved repartition(struct engine *e, const uint8_t *part_of);
bool grow_parts(struct engine *e);
void load_words(const struct engine *e, uint64_t root, uint64_t *words);
uint64_t root_of(struct engine *e, const uint64_t *words, bool add);

/* parts.c */
bool make_part(struct part *p, uint32_t bits);
bool enlarge_part(struct part *p);
uint64_t part_bytes(const struct part *p);
void free_part(struct part *p);
int64_t number_part(struct engine *e, struct part *p, const uint64_t *words);
int64_t find_part(const struct part *p, const uint64_t *words);
bool fill_info(struct engine *e, uint32_t part, uint32_t number);
void renew_infos(struct engine *e, bool all);

bool compile_trees(struct engine *e);
void watch_leaves(struct engine *e);

/* split.c */
bool choose_parts(struct engine *e);

/* table.c */
bool make_room(struct engine *e, uint64_t more);
void refill(struct engine *e);
bool rebuild_table(struct engine *e, uint64_t slots);
bool enter(struct engine *e, struct batch *b);
int64_t find_state(const struct engine *e, uint64_t root);
uint64_t bytes_used(const struct engine *e);

/* expand.c */
bool ready_thread(struct engine *e, struct thread *t);
void forget(struct engine *e);
void expand(struct engine *e, struct thread *t, struct batch *b);
void judge(struct engine *e, struct batch *b, uint32_t state, uint64_t set, const uint64_t *words);
bool report(struct batch *b, enum event_kind kind, uint32_t which, uint64_t state, uint64_t where);

/* told.c */
bool tell(struct engine *e, struct thread *t, struct batch *b, uint64_t state, uint64_t *root, uint32_t *leaf);

/* run.c */
bool take_over(struct engine *e);

/* rename.c */
void find_runs(struct engine *e);
bool add_frame_names(struct engine *e);
uint64_t canonical(struct engine *e, struct thread *t, struct batch *b, uint64_t root, uint64_t state);

static inline uint64_t hash_words(const uint64_t *words, uint32_t count)
{
	uint64_t mixed = MIX2;

	for (uint32_t i = 0; i < count; i++) {
		mixed = (mixed ^ words[i]) * MIX;
		mixed ^= mixed >> 32;
	}
	return mixed;
}

static inline uint64_t number_in(const struct part *p, uint64_t root)
{
	return root >> p->shift & p->mask;
}

static inline uint64_t with_number(const struct part *p, uint64_t root, uint64_t number)
{
	return (root & ~(p->mask << p->shift)) | number << p->shift;
}

/* One step of a walk. */
static inline uint64_t follow(const struct engine *e, uint64_t link, const uint64_t *words)
{
	return e->kid[(link >> 32) + (words[link >> 8 & 0x7F] >> (link & 0x3F) & (link >> 16 & 0xFFFF))];
}

/* Where a walk ends that makes no free choice. */
static inline uint64_t walk(const struct engine *e, uint64_t link, const uint64_t *words)
{
	while (!(link & LEAF))
		link = follow(e, link, words);
	return link;
}

/* Carry out what a leaf does to one part: `after` gets those words that change; moves read from `words`. */
static inline void apply_group(const struct engine *e, const struct group *g, const uint64_t *words,
			       uint64_t *after)
{
	const uint64_t *op = e->stores + g->first;

	for (uint32_t i = 0; i < g->stores; i++, op += 3)
		after[op[0]] = (after[op[0]] & op[1]) | op[2];
	for (uint32_t i = 0; i < g->moves; i++, op += 2) {
		uint64_t value = words[op[1] & 0xFF] >> (op[1] >> 8 & 0xFF) & op[0] >> 16;

		after[op[0] & 0xFF] = (after[op[0] & 0xFF] & ~(op[0] >> 16 << (op[0] >> 8 & 0xFF))) |
				      value << (op[0] >> 8 & 0xFF);
	}
}

#endif
