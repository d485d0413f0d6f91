#include "selection.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>
#include <fnmatch.h>

#include "arguments.h"
#include "command.h"
#include "time_text.h"

namespace daybook::tools {
namespace {

std::optional<Position> parse_position(std::string_view text) {
  Position position = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), position);
  if (error != std::errc() || rest != text.data() + text.size()) return std::nullopt;
  return position;
}

std::expected<std::optional<Timestamp>, std::string> parse_bound(const char* option, const std::string& text,
                                                                 Timestamp now) {
  if (text.empty()) return std::nullopt;
  const std::optional<Timestamp> time = parse_time_or_ago(text, now);
  if (!time) return std::unexpected(fmt::format("{} {}: neither a time (RFC 3339) nor one like -2h", option, text));
  return time;
}

bool is_pattern(const std::string& type) { return type.find_first_of("*?[\\") != std::string::npos; }

// Patterns of types are matched one by one: a type may turn up while we look.
Query make_query(const SelectionOptions& options) {
  QueryItem item{.streams = options.streams, .tags = options.tags};
  if (std::none_of(options.types.begin(), options.types.end(), is_pattern)) item.types = options.types;
  if (item == QueryItem{}) return {};
  return {.items = {std::move(item)}};
}

}  // namespace

std::optional<PositionRange> PositionRange::parse(std::string_view text) {
  const auto dots = text.find("..");
  if (dots == std::string_view::npos) {
    const std::optional<Position> position = parse_position(text);
    if (!position || *position == 0) return std::nullopt;
    return PositionRange{*position, *position, std::nullopt};
  }
  const std::string_view from = text.substr(0, dots);
  const std::string_view to = text.substr(dots + 2);
  PositionRange range;
  if (from.starts_with('-')) {
    range.newest = parse_position(from.substr(1));
    if (!range.newest || !to.empty()) return std::nullopt;
    return range;
  }
  if (!from.empty()) {
    const std::optional<Position> first = parse_position(from);
    if (!first) return std::nullopt;
    range.first = std::max<Position>(*first, 1);
  }
  if (!to.empty()) {
    const std::optional<Position> last = parse_position(to);
    if (!last) return std::nullopt;
    range.last = *last;
  }
  return range;
}

void SelectionOptions::declare_filters(Arguments& arguments) {
  arguments.texts("-s,--stream", streams, "ID", "only this stream (may be repeated)");
  arguments.texts("-t,--type", types, "GLOB", "only types that match, as in 'Money*' (may be repeated)");
  arguments.texts("--tag", tags, "TAG", "only events with this tag (repeated: with all of them)");
  arguments.flag("--durable", durable, "only what is on stable storage");
}

void SelectionOptions::declare_window(Arguments& arguments) {
  arguments.text("-r,--range", range, "A..B", "positions, both included; A.., ..B, or -N.. for the last N");
  arguments.text("--since", since, "TIME", "recorded at or after: RFC 3339, or -2h (s, m, h, d, w)");
  arguments.text("--until", until, "TIME", "recorded at or before");
  arguments.number("-l,--limit", limit, "stop after N events");
  arguments.flag("--reverse", reverse, "newest first");
}

std::expected<Selection, std::string> Selection::make(const SelectionOptions& options, const Store& store,
                                                      Timestamp now) {
  Selection selection;
  if (!options.range.empty()) {
    const std::optional<PositionRange> range = PositionRange::parse(options.range);
    if (!range) return std::unexpected(fmt::format("--range {}: not A..B, A.., ..B or -N..", options.range));
    selection.range_ = *range;
  }
  auto since = parse_bound("--since", options.since, now);
  if (!since) return std::unexpected(since.error());
  auto until = parse_bound("--until", options.until, now);
  if (!until) return std::unexpected(until.error());
  selection.since_ = *since;
  selection.until_ = *until;
  selection.limit = options.limit;
  selection.query_ = make_query(options);
  selection.types_ = options.types;

  PositionRange& range = selection.range_;
  if (range.newest) {
    const Position end = options.durable ? store.durable_position() : store.published_position();
    range.first = end - std::min(end, *range.newest) + 1;
  }
  ReadOptions& read = selection.read_;
  read.visibility = options.durable ? Visibility::durable : Visibility::published;
  if (options.reverse) {
    read.direction = Direction::backward;
    if (range.last != ~Position{0}) read.before = range.last + 1;
    read.recorded_at = selection.until_;
  } else {
    read.after = range.first - 1;
    read.recorded_at = selection.since_;
  }
  return selection;
}

bool Selection::is_past(const EventView& event) const {
  if (read_.direction == Direction::backward) {
    return event.position < range_.first || (since_ && event.recorded_at < *since_);
  }
  return event.position > range_.last || (until_ && event.recorded_at > *until_);
}

bool Selection::selects_type(std::string_view type) const {
  if (types_.empty()) return true;
  const std::string text(type);
  return std::any_of(types_.begin(), types_.end(),
                     [&text](const std::string& pattern) { return fnmatch(pattern.c_str(), text.c_str(), 0) == 0; });
}

bool Selection::selects(const EventView& event) const {
  if (event.position < range_.first || event.position > range_.last) return false;
  if ((since_ && event.recorded_at < *since_) || (until_ && event.recorded_at > *until_)) return false;
  return selects_type(event.type);
}

SelectedEvents::SelectedEvents(const Store& store, Selection selection, const Io& io)
    : io_(io),
      selection_(std::move(selection)),
      cursor_(selection_.query() == Query{} ? store.read(selection_.read_options())
                                            : store.read(selection_.query(), selection_.read_options())) {}

const EventView* SelectedEvents::next() {
  while (!done_ && !io_.stop()) {
    const EventView* event = cursor_.next();
    if (event == nullptr) {
      done_ = selection_.read_options().direction == Direction::backward;
      return nullptr;
    }
    if (selection_.is_past(*event)) {
      done_ = true;
      return nullptr;
    }
    if (!selection_.selects(*event)) continue;
    ++count_;
    if (selection_.limit != 0 && count_ == selection_.limit) done_ = true;
    return event;
  }
  return nullptr;
}

}  // namespace daybook::tools
