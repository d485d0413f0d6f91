/* The append protocol as a deterministic fold over the log, with helping and with segments that are rolled over.
 *
 * T threads append one frame each: claim it in the active segment or move on to the next, fill it, and publish until
 * it is decided. Every shared access is one atomic step; a thread may stop between any two of them. Each frame touches one or
 * two streams, with any or an exact expected version. A segment has room for R frames. A retirer takes the right to
 * write away from segments that publishing and claiming have left and that nobody is counted in; nobody may touch the
 * frames of such a segment afterwards. Segments are retired in any order.
 *
 * Spin knows no weak memory orders; for those see the other models in this folder, on the real code. This one is about
 * the protocol: all interleavings, not a sample.
 *
 * Checked at the end: words, assigned versions, positions and heads equal a sequential fold over the frames in claim
 * order. On the way: a decided frame never changes, and nobody touches a retired segment.
 *
 * Mutants, each of which must fail: FIELD_FIRST, NO_RECHECK, RECORD_LATE, TAIL_FIRST (the retirer counts entries
 * before departures). Run them all: spin.sh.
 */
#ifndef T
#define T 2
#endif
#ifndef R
#define R 1
#endif
#ifndef STREAMS
#define STREAMS 2
#endif
#define G (T / R + 1)                 /* segments */
#define ANY 9
mtype = { EMPTY, FILLED, PUBLISHED, REJECTED };

/* claims: of each segment */
byte tail[G];                         /* next unclaimed slot; may pass R */
byte entries[G], departures[G];       /* in the program entries and tail are one word */
byte mark_slot[G], mark_events[G];    /* one word in the program */
byte base[G];
bool retired[G];

byte publishing = 0, claiming = 0;

/* frames, by segment and slot */
#define F (G * R)
mtype word[F];
bool uses[F * 2];
byte expect[F * 2];
byte field[F * 2];                    /* assigned version, recorded in the frame first; 0 = not recorded */
byte position[F];
byte table[2];                        /* heads */
byte finished = 0;

#define U(f,s) uses[(f)*2+(s)]
#define E(f,s) expect[(f)*2+(s)]
#define V(f,s) field[(f)*2+(s)]
#define TOUCH(g) assert(!retired[g])

/* Decides the frame f at the mark of segment g, as far as a look shows that it is this thread's to decide. */
inline decide(g, f) {
  ok = true;
#ifdef FIELD_FIRST
  fv0 = V(f,0); fv1 = V(f,1);
#endif
  /* the heads first ... */
  if :: U(f,0) -> t0 = table[0] :: else fi;
  if :: U(f,1) -> t1 = table[1] :: else fi;
  /* ... the frame second: its fields, then its word */
#ifndef FIELD_FIRST
  if :: U(f,0) -> TOUCH(g); fv0 = V(f,0) :: else fi;
  if :: U(f,1) -> TOUCH(g); fv1 = V(f,1) :: else fi;
#endif
#ifndef NO_RECHECK
  atomic { TOUCH(g); w = word[f] };
#endif
  if
  :: w != FILLED -> skip
  :: else ->
     d_step {
       if :: U(f,0) && fv0 != 0 -> t0 = fv0 - 1 :: else fi;
       if :: U(f,1) && fv1 != 0 -> t1 = fv1 - 1 :: else fi;
       if :: U(f,0) && E(f,0) != ANY && E(f,0) != t0 -> ok = false :: else fi;
       if :: U(f,1) && E(f,1) != ANY && E(f,1) != t1 -> ok = false :: else fi;
     };
     if
     :: !ok -> atomic { TOUCH(g); if :: word[f] == FILLED -> word[f] = REJECTED :: else fi }
     :: else ->
#ifdef RECORD_LATE
        if :: U(f,0) -> atomic { if :: table[0] == t0 -> table[0] = t0 + 1 :: else fi } :: else fi;
#endif
        if :: U(f,0) -> atomic { TOUCH(g); if :: V(f,0) == 0 -> V(f,0) = t0 + 1 :: else fi; fv0 = V(f,0) } :: else fi;
        if :: U(f,1) -> atomic { TOUCH(g); if :: V(f,1) == 0 -> V(f,1) = t1 + 1 :: else fi; fv1 = V(f,1) } :: else fi;
        if :: U(f,0) -> atomic { if :: table[0] == fv0 - 1 -> table[0] = fv0 :: else fi } :: else fi;
        if :: U(f,1) -> atomic { if :: table[1] == fv1 - 1 -> table[1] = fv1 :: else fi } :: else fi;
        atomic {
          TOUCH(g);
          assert(position[f] == 0 || position[f] == base[g] + me + 1);
          position[f] = base[g] + me + 1
        };
        atomic { TOUCH(g); if :: word[f] == FILLED -> word[f] = PUBLISHED :: else fi }
     fi
  fi
}

/* One step of the fold in segment g. */
inline publish_one(g) {
  atomic { ms = mark_slot[g]; me = mark_events[g] };
  if
  :: ms >= R ->
     if
     :: g + 1 < G ->
        entries[g+1]++;
        if
        :: publishing == g ->
           atomic {
             TOUCH(g+1);
             assert(base[g+1] == 0 || base[g+1] == base[g] + me);
             base[g+1] = base[g] + me
           };
           atomic { if :: publishing == g -> publishing = g + 1 :: else fi }
        :: else
        fi;
        departures[g+1]++
     :: else -> skip
     fi
  :: else ->
     atomic { TOUCH(g); w = word[g*R+ms] };
     if
     :: w == EMPTY -> skip
     :: else ->
        if :: w == FILLED -> decide(g, g*R+ms) :: else -> skip fi;
        atomic { TOUCH(g); w = word[g*R+ms] };
        assert(w == PUBLISHED || w == REJECTED);
        atomic {
          if
          :: mark_slot[g] == ms && mark_events[g] == me ->
             mark_slot[g] = ms + 1;
             if :: w == PUBLISHED -> mark_events[g] = me + 1 :: else fi
          :: else fi
        }
     fi
  fi;
  d_step { ms = 0; me = 0; t0 = 0; t1 = 0; fv0 = 0; fv1 = 0; ok = false; w = EMPTY }
}

proctype appender() {
  byte s, f, at, entered, ms, me, t0, t1, fv0, fv1; mtype w; bool ok;

  /* claim: the entry and the slot are one fetch_add */
claim:
  s = claiming;
  if
  :: tail[s] >= R -> skip             /* full: not even a claim */
  :: else ->
     atomic { entries[s]++; f = tail[s]; tail[s]++ };
     if
     :: f < R -> goto fill
     :: else -> departures[s]++
     fi
  fi;
  atomic { if :: claiming == s -> claiming = s + 1 :: else fi };
  goto claim;

fill:
  atomic {
    TOUCH(s);
    f = s * R + f;
#if STREAMS == 2
    if :: U(f,0) = true :: U(f,1) = true :: U(f,0) = true; U(f,1) = true fi;
#else
    U(f,0) = true;
#endif
    if :: U(f,0) -> if :: E(f,0) = ANY :: E(f,0) = 0 :: E(f,0) = 1 fi :: else -> E(f,0) = ANY fi;
    if :: U(f,1) -> if :: E(f,1) = ANY :: E(f,1) = 0 :: E(f,1) = 1 fi :: else -> E(f,1) = ANY fi;
    word[f] = FILLED
  };

  entered = G;                        /* none */
  do
  :: s * R + mark_slot[s] > f -> break
  :: s * R + mark_slot[s] <= f ->
     at = publishing;
     if
     :: at != s && at != entered ->
        if :: entered != G -> departures[entered]++ :: else fi;
        entries[at]++;
        entered = at                  /* and looks again */
     :: else -> publish_one(at)
     fi
  od;
  if :: entered != G -> departures[entered]++ :: else fi;
  atomic { TOUCH(s); assert(word[f] == PUBLISHED || word[f] == REJECTED) };
  departures[s]++;
  finished++
}

/* One that looks at a segment at any time; two steps, as the program has them. */
proctype retirer(byte g) {
  byte d;
  do
  :: publishing > g && claiming > g ->
#ifdef TAIL_FIRST
     d = entries[g];
     if :: d == departures[g] -> retired[g] = true; break :: else fi
#else
     d = departures[g];
     if :: d == entries[g] -> retired[g] = true; break :: else fi
#endif
  :: finished == T -> break
  od
}

init {
  byte g, f, c, a, b; bool ok;
  d_step { f = 0; do :: f < F -> word[f] = EMPTY; f++ :: else -> break od; f = 0 };
  atomic {
    byte i = 0;
    do :: i < T -> run appender(); i++ :: else -> break od;
    i = 0;
    do :: i + 1 < G -> run retirer(i); i++ :: else -> break od
  };
  finished == T;
  d_step {
    f = 0; c = 0; a = 0; b = 0; g = 0;
    do
    :: f < T ->
       g = f / R;
       assert(base[g] == c || f % R != 0);
       ok = true;
       if :: U(f,0) && E(f,0) != ANY && E(f,0) != a -> ok = false :: else fi;
       if :: U(f,1) && E(f,1) != ANY && E(f,1) != b -> ok = false :: else fi;
       if
       :: ok ->
          c++;
          if :: U(f,0) -> a++; assert(V(f,0) == a) :: else fi;
          if :: U(f,1) -> b++; assert(V(f,1) == b) :: else fi;
          assert(word[f] == PUBLISHED); assert(position[f] == c)
       :: else -> assert(word[f] == REJECTED); assert(V(f,0) == 0 && V(f,1) == 0)
       fi;
       f++
    :: else -> break
    od;
    assert(table[0] == a); assert(table[1] == b)
  }
}
