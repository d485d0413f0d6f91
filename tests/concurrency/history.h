// What threads did to a store, and whether one order of events explains all of it.
//
// The log itself is the witness: it says in which order the appends took effect, so nothing has to be searched and the
// check takes time linear in the history (but for sorting it by time).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <daybook/types.h>

namespace daybook::concurrency {

inline constexpr std::size_t kStreamsOfAppend = 3;

using Time = std::int64_t;  // nanoseconds of a monotonic clock
using StreamNumber = std::uint32_t;

struct StreamPart {
  StreamNumber stream = 0;
  Expect expect{};
  std::uint32_t events = 0;
  Version last_version = 0;  // as append() said
};

struct AppendOperation {
  Time invoked = 0;
  Time returned = 0;
  std::uint32_t streams = 0;
  std::array<StreamPart, kStreamsOfAppend> parts{};
  bool refused = false;
  Position first = 0;  // as append() said
  Position last = 0;
  std::uint32_t refused_index = 0;  // refused: as the error said
  Version refused_actual = 0;

  [[nodiscard]] std::uint64_t events() const {
    std::uint64_t sum = 0;
    for (std::uint32_t i = 0; i < streams; ++i) sum += parts[i].events;
    return sum;
  }
};

// head(): a stream's version and last position at some time in between.
struct HeadOperation {
  Time invoked = 0;
  Time returned = 0;
  StreamNumber stream = 0;
  Version version = 0;
  Position position = 0;
};

// A cursor that was at the end: it had returned everything up to `position`.
struct ReadOperation {
  Time invoked = 0;  // of the call of next() that found nothing more
  Time returned = 0;
  Position position = 0;
};

// An event of the log: which append of which thread it says it is from.
struct LoggedEvent {
  std::uint32_t thread = 0;
  std::uint32_t operation = 0;
  std::uint32_t index = 0;  // in its append
  StreamNumber stream = 0;
  Version version = 0;
  friend bool operator==(const LoggedEvent&, const LoggedEvent&) = default;
};

struct Session {
  std::vector<AppendOperation> appends;
  std::vector<HeadOperation> heads;
};

struct ReadSession {
  std::vector<LoggedEvent> events;  // from position 1 on
  std::vector<ReadOperation> reads;
};

struct History {
  StreamNumber streams = 0;
  std::vector<LoggedEvent> log;  // [0] is position 1
  std::vector<Session> sessions;
  std::vector<ReadSession> readers;
};

// What is wrong with a history; nothing when it can be explained.
std::optional<std::string> find_flaw(const History& history);

}  // namespace daybook::concurrency
