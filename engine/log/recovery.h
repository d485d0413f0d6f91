// What a crash can leave, and what opening for writing does about it. docs/format.md, section 5, is the prose of this
// file.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include <daybook/error.h>
#include <daybook/store.h>
#include <daybook/types.h>

#include "format/frame.h"
#include "format/layout.h"
#include "index/checkpoint_layout.h"
#include "io/directory.h"
#include "segment/claims.h"
#include "segment/segment_scanner.h"

namespace daybook::log {

// What is seen of one segment. `_` of the decision table = either.
struct SegmentSigns {
  bool sealed = false;       // a whole footer says so
  bool closed = false;       // a whole footer says so
  bool complete = false;     // sealed or closed: the valid prefix ends where the footer says; else: at the data's end
  bool unsupported = false;  // the frame behind the prefix is whole, and of a kind that this version does not know
  bool promised = false;     // something says that more than the prefix was durable: a floor, or the sync mark
  bool last = false;         // no later segment holds anything
};

enum class Decision : std::uint8_t {
  accept,   // goes on in the next segment
  finish,   // complete, and was not sealed yet: seal it, go on
  go_on,    // closed cleanly: append here
  cut,      // torn tail: everything behind the prefix goes, in later segments too
  corrupt,  // refuse to open for writing
  refuse,   // refuse: a newer version wrote this
};

// A row of the table: 1 = true, 0 = false, -1 = either.
struct DecisionRule {
  int sealed, closed, complete, unsupported, promised, last;
  Decision decision;
};

// Every combination of signs that can be true matches exactly one rule (tests/log/recovery_test.cc goes through all).
std::span<const DecisionRule> decision_table() noexcept;
Decision decide(const SegmentSigns& signs) noexcept;
// False for combinations that cannot be: sealed and closed at once.
bool possible(const SegmentSigns& signs) noexcept;

// How much of the log is read.
enum class Scope : std::uint8_t {
  whole,  // every frame, verified
  tail,   // what a crash can have touched: from the first segment without a whole footer on. Footers speak for the rest
};

// What opening found, and what the writer needs to go on.
struct Recovered {
  std::optional<Uuid> log;  // nothing: there is no log yet
  std::uint64_t segment_size = 0;
  std::uint64_t next_number = 1;         // of the segment to make
  std::uint64_t epoch = 1;               // of it
  Position position = 0;                 // of the last event
  std::int64_t clock = 0;                // recorded-at of the last event
  std::optional<segment::Prefix> go_on;  // set: append to segment next_number - 1 behind this
  Position go_on_base = 0;
  std::uint64_t zero_until = 0;  // of that segment: it is zero from go_on->end to here; the rest was not looked at
  Position unread = 0;           // events up to this one were neither verified nor visited
  RecoveryReport report;
};

// The segments that the newest checkpoint of a log covers, from the first on; none: there is no checkpoint.
using CoveredSegments = std::function<std::vector<index::CheckpointSegment>(const Uuid& log)>;

// Called for each published frame that is read, in order.
using VisitFrame = std::function<void(const format::FrameHeader& frame, format::Word word)>;

// Reads the log, verifying what it reads; cuts, zeroes and seals what a crash left; removes temporary files. Writes
// nothing when it returns an error. Doing it again after a crash at any point of it comes to the same. `mark` is what
// LOCK says was durable. Either scope comes to the same for a log without damage; in Scope::tail, damage to frames
// before the tail is left to those who read them. So is damage to headers and footers of segments that are `covered`
// (Scope::tail alone): they were sealed, and so durable, when the checkpoint was made, and of all but the last of them
// only the names are looked at. If that one is not as the checkpoint says, nothing is covered.
Result<Recovered> recover(io::Directory& segments,
                          const std::function<std::optional<format::Address>(const Uuid&)>& mark,
                          const VisitFrame& visit, Scope scope = Scope::whole, const CoveredSegments& covered = {});

// Writes the footer of a segment whose frames end at `prefix.end` and are durable, and syncs it.
Result<void> write_footer(io::File& file, const segment::Segment& segment, const segment::Prefix& prefix, Position base,
                          format::SegmentFooter::Kind kind);

}  // namespace daybook::log
