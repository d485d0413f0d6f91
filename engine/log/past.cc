#include "log/past.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "log/cursor.h"
#include "log/frame_reader.h"
#include "log/query_match.h"

namespace daybook::log {
namespace {

Error duplicate(std::uint32_t event, Position position) noexcept {
  return {.code = Errc::duplicate_id, .what = "event id", .actual = position, .index = event};
}

bool same_id(const EventView& there, const NewEvent& own) noexcept {
  if (there.id == nullptr || !own.id) return there.id == nullptr && !own.id;
  return *there.id == *own.id;
}

// As many streams, in the same order, with as many events, and the same ids at the same places.
bool same_append(const format::FrameHeader& frame, format::Word word, std::span<const StreamAppend> streams) noexcept {
  if (word.stream_count() != streams.size()) return false;
  const format::StreamEntry* entries = format::stream_entries(frame, word.stream_count());
  for (std::size_t i = 0; i < streams.size(); ++i) {
    if (entries[i].event_count != streams[i].events.size()) return false;
    if (format::stream_id(frame, entries[i]) != streams[i].stream) return false;
  }
  FrameReader reader(frame, word);
  EventView there;
  for (const StreamAppend& stream : streams) {
    for (const NewEvent& own : stream.events) {
      if (!reader.next(there) || !same_id(there, own)) return false;
    }
  }
  return true;
}

}  // namespace

Result<NewIds> collect_ids(std::span<const StreamAppend> streams) {
  NewIds all;
  std::uint32_t number = 0;
  for (const StreamAppend& stream : streams) {
    for (const NewEvent& event : stream.events) {
      if (event.id) {
        all.ids.push_back(*event.id);
        all.events.push_back(number);
      }
      ++number;
    }
  }
  std::vector<std::uint32_t> sorted(all.ids.size());
  std::iota(sorted.begin(), sorted.end(), 0u);
  std::ranges::sort(sorted, {}, [&all](std::uint32_t i) { return std::pair(all.ids[i], i); });
  const auto twin =
      std::ranges::adjacent_find(sorted, [&all](std::uint32_t a, std::uint32_t b) { return all.ids[a] == all.ids[b]; });
  if (twin != sorted.end()) return fail(duplicate(all.events[*std::next(twin)], 0));
  return all;
}

Result<void> prepare(std::span<AppendCondition> conditions) noexcept {
  if (conditions.size() > kAppendConditionsMax) {
    return fail(Error{.code = Errc::invalid_argument,
                      .what = "number of conditions",
                      .expected = kAppendConditionsMax,
                      .actual = conditions.size()});
  }
  for (AppendCondition& condition : conditions) {
    DAYBOOK_TRY(check_query(condition.fail_if));
    condition.violated_by = 0;
  }
  return {};
}

Result<void> look_up(History& history, std::span<AppendCondition> conditions, Position last, format::Address& looked) {
  for (AppendCondition& condition : conditions) {
    const auto match = history.first_match(condition.fail_if, condition.after);
    if (!match) return fail(match.error());
    if (match->position <= last) condition.violated_by = match->position;
    looked = std::min(looked, match->looked);
  }
  return {};
}

std::optional<Error> first_violation(std::span<const AppendCondition> conditions) noexcept {
  const auto first =
      std::ranges::find_if(conditions, [](const AppendCondition& condition) { return condition.violated_by != 0; });
  if (first == conditions.end()) return std::nullopt;
  return Error{.code = Errc::condition_failed,
               .what = "append condition",
               .expected = first->after,
               .actual = first->violated_by,
               .index = static_cast<std::uint32_t>(first - conditions.begin())};
}

Result<Appended> find_first_append(const Past& past, std::span<StreamAppend> streams, std::uint32_t event,
                                   Position position, format::Address& end) {
  Cursor cursor(past.segments, {.after = position - 1});
  const auto found = cursor.frame();
  if (cursor.error()) return fail(*cursor.error());
  if (!found || !same_append(*found->frame, found->word, streams)) return fail(duplicate(event, position));
  auto& frame = const_cast<format::FrameHeader&>(*found->frame);
  for (std::uint32_t i = 0; i < streams.size(); ++i) {
    streams[i].last_version = format::load_decided(format::assigned_at(frame, i)) + streams[i].events.size() - 1;
    streams[i].refused = false;
  }
  const Position first = format::load_decided(frame.position);
  end = found->end;
  return Appended{.first_position = first,
                  .last_position = first + found->word.event_count() - 1,
                  .last_version = streams[0].last_version,
                  .repeated = true};
}

}  // namespace daybook::log
