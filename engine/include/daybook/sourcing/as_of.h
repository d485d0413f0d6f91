// Points of the past.
#pragma once

#include <cstdint>
#include <optional>

#include <daybook/types.h>

namespace daybook {

// As of when: everything up to and including that version, position or time is in, nothing behind it.
class AsOf {
 public:
  enum class Kind : std::uint8_t { version, position, recorded, occurred };

  // The first n events of the stream.
  static constexpr AsOf version(Version version) noexcept { return {Kind::version, version, {}}; }
  // The log up to there: of several aggregates as of one position, each is what it was at the same moment. In the
  // middle of an append (which was never visible so), the position shows a part of it.
  static constexpr AsOf position(Position position) noexcept { return {Kind::position, position, {}}; }
  // What had been recorded by then. Recorded times never decrease, so it is a prefix of the log.
  static constexpr AsOf recorded(Timestamp time) noexcept { return {Kind::recorded, 0, time}; }
  // What had occurred by then, as is known now: events that say when they occurred (NewEvent::occurred_at) may be recorded
  // late, so it is a selection of the stream in the order of its versions. Snapshots are of no use for it.
  static constexpr AsOf occurred(Timestamp time) noexcept { return {Kind::occurred, 0, time}; }

  [[nodiscard]] constexpr Kind kind() const noexcept { return kind_; }
  [[nodiscard]] constexpr std::uint64_t number() const noexcept { return number_; }
  [[nodiscard]] constexpr Timestamp time() const noexcept { return time_; }

 private:
  constexpr AsOf(Kind kind, std::uint64_t number, Timestamp time) noexcept
      : kind_(kind), number_(number), time_(time) {}

  Kind kind_;
  std::uint64_t number_;
  Timestamp time_;
};

// Events of a stream between two points; the bounds are included, 0 or unset = none. Times are of recording.
struct HistoryWindow {
  Version from_version = 1;
  Version to_version = 0;
  std::optional<Timestamp> from{};
  std::optional<Timestamp> to{};
};

}  // namespace daybook
