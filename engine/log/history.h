// What the log holds up to now, for appends that depend on it. Behind an interface, because appending need not know
// whether it is looked up in an index or read.
#pragma once

#include <span>
#include <vector>

#include <daybook/error.h>
#include <daybook/query.h>
#include <daybook/types.h>

#include "format/layout.h"

namespace daybook::log {

// Thread safety: all methods, from any thread.
class History {
 public:
  History() = default;
  virtual ~History() = default;
  History(const History&) = delete;
  History& operator=(const History&) = delete;

  struct Match {
    Position position = 0;     // 0 = none
    format::Address looked{};  // everything published below it was looked at
  };
  // `looked` is never below what was published before the call.
  //
  // The first event that the query matches at a position above `after`.
  virtual Result<Match> first_match(const Query& query, Position after) = 0;

  struct IdMatches {
    std::vector<Position> positions;  // one per id, 0 = none
    format::Address looked{};         // everything published below it, within the horizon, was looked at
  };
  virtual Result<IdMatches> find_ids(std::span<const EventId> ids) = 0;
};

}  // namespace daybook::log
