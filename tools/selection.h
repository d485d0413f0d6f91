// Which events a command is about: the options that cat, tail and export share, and the walk over what they select.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

#include <daybook/store.h>

namespace daybook::tools {

class Arguments;
struct Io;

// Positions `first` to `last`, both included; or the last `count`.
struct PositionRange {
  Position first = 1;
  Position last = ~Position{0};
  std::optional<std::uint64_t> newest;

  // "A..B", "A..", "..B", "A", "-N.." (the last N).
  static std::optional<PositionRange> parse(std::string_view text);
};

// The options as they were given.
struct SelectionOptions {
  std::vector<std::string> streams;
  std::vector<std::string> types;
  std::vector<std::string> tags;
  std::string range;
  std::string since;
  std::string until;
  std::uint64_t limit = 0;
  bool reverse = false;
  bool durable = false;

  void declare_filters(Arguments& arguments);  // --stream --type --tag --durable
  void declare_window(Arguments& arguments);   // --range --since --until --limit --reverse
};

// The options with their meaning for one store at one moment.
class Selection {
 public:
  // Resolves times against `now` and counts from the end against what `store` shows; or what is wrong.
  static std::expected<Selection, std::string> make(const SelectionOptions& options, const Store& store, Timestamp now);

  [[nodiscard]] const ReadOptions& read_options() const { return read_; }
  // What the index can answer of it; everything when the index can answer nothing. selects() has the rest.
  [[nodiscard]] const Query& query() const { return query_; }

  // Whether no event from here on, in reading order, can be selected.
  [[nodiscard]] bool is_past(const EventView& event) const;
  [[nodiscard]] bool selects(const EventView& event) const;

  std::uint64_t limit = 0;  // 0 = none

 private:
  [[nodiscard]] bool selects_type(std::string_view type) const;

  ReadOptions read_;
  Query query_;
  PositionRange range_;
  std::optional<Timestamp> since_;
  std::optional<Timestamp> until_;
  std::vector<std::string> types_;  // patterns; empty = all
};

// A cursor that returns selected events only. Thread safety: none.
class SelectedEvents {
 public:
  // `io` is asked whether to stop, because a filter may let nothing pass for long.
  SelectedEvents(const Store& store, Selection selection, const Io& io);

  // The next event, or null: at the end (for now, unless done()), or on an error.
  [[nodiscard]] const EventView* next();

  // No more events will come, however many are appended.
  [[nodiscard]] bool done() const { return done_; }
  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] Cursor& cursor() { return cursor_; }

 private:
  const Io& io_;
  Selection selection_;
  Cursor cursor_;
  std::uint64_t count_ = 0;
  bool done_ = false;
};

}  // namespace daybook::tools
