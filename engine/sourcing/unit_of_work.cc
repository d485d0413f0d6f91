#include <daybook/sourcing/unit_of_work.h>

#include <string>
#include <utility>

namespace daybook {
namespace {

// One stream's events as views of what an aggregate has pending.
void add_views(const std::vector<PendingEvent>& pending, std::string_view metadata, std::vector<NewEvent>& events,
               std::vector<std::string_view>& tags) {
  for (const PendingEvent& event : pending) {
    const std::size_t first_tag = tags.size();
    tags.insert(tags.end(), event.tags.begin(), event.tags.end());
    events.push_back({.type = event.type,
                      .payload = event.payload,
                      .schema_version = event.schema_version,
                      .metadata = metadata,
                      .tags = std::span<const std::string_view>(tags).subspan(first_tag),
                      .id = event.id,
                      .occurred_at = event.occurred_at});
  }
}

}  // namespace

UnitOfWork::UnitOfWork(Store& store, Options options) : store_(&store), options_(std::move(options)) {}

UnitOfWork& UnitOfWork::add_root(AggregateRoot& root, std::function<Result<void>(const Appended&)> saved) {
  parts_.push_back({.root = &root, .saved = std::move(saved)});
  return *this;
}

UnitOfWork& UnitOfWork::require(AppendCondition condition) {
  conditions_.push_back(std::move(condition));
  return *this;
}

UnitOfWork& UnitOfWork::require(std::string stream, Expect expect) { return add(std::move(stream), expect, {}); }

UnitOfWork& UnitOfWork::add(std::string stream, Expect expect, std::vector<PendingEvent> events) {
  parts_.push_back({.stream = std::move(stream), .expect = expect, .events = std::move(events)});
  return *this;
}

Result<Appended> UnitOfWork::save() {
  for (const Part& part : parts_) {
    if (part.root != nullptr && part.root->error_) return fail(*part.root->error_);
  }
  const auto& command = options_.command.id;
  if (command && !options_.command_is_new) {
    const auto recorded = find_command(*store_, *command);
    if (!recorded) return fail(recorded.error());
    if (*recorded) {
      DAYBOOK_TRY(finish(**recorded));
      return **recorded;
    }
  }
  const auto metadata = encode_context(options_.command.event);
  if (!metadata) return fail(metadata.error());
  auto appended = append(*metadata);
  if (!appended && appended.error().code == Errc::duplicate_id && command) {
    // The same command, recorded by another thread since, with other events.
    const auto recorded = find_command(*store_, *command);
    if (!recorded) return fail(recorded.error());
    if (*recorded) appended = **recorded;
  }
  if (!appended) return appended;
  DAYBOOK_TRY(finish(*appended));
  return appended;
}

Result<Appended> UnitOfWork::append(std::string_view metadata) {
  std::size_t events_count = 0;
  std::size_t tags_count = 0;
  for (const Part& part : parts_) {
    events_count += part.pending().size();
    for (const PendingEvent& event : part.pending()) tags_count += event.tags.size();
  }
  // Views into these two: reserved, so that they do not move.
  std::vector<NewEvent> events;
  std::vector<std::string_view> tags;
  std::vector<StreamAppend> streams;
  events.reserve(events_count);
  tags.reserve(tags_count);
  streams.reserve(parts_.size());
  for (const Part& part : parts_) {
    const std::size_t first = events.size();
    add_views(part.pending(), metadata, events, tags);
    streams.push_back({.stream = part.root ? part.root->stream_ : part.stream,
                       .expect = part.root ? Expect::exactly(part.root->version_) : part.expect,
                       .events = std::span(events).subspan(first)});
  }
  if (options_.command.id) {
    for (std::uint32_t i = 0; NewEvent & event : events) {
      if (!event.id) event.id = event_id_of(*options_.command.id, i);
      ++i;
    }
  }
  auto appended = store_->append(streams, conditions_, {.durability = options_.durability});
  if (!appended || appended->repeated) return appended;
  for (std::size_t i = 0; i < parts_.size(); ++i) parts_[i].last_version = streams[i].last_version;
  return appended;
}

// Tells each aggregate where its own events went: they follow each other in the order of the parts.
Result<void> UnitOfWork::finish(const Appended& appended) {
  Position position = appended.first_position;
  for (const Part& part : parts_) {
    Appended own = appended;
    if (!appended.repeated) {
      const std::size_t count = part.pending().size();
      if (count == 0) continue;
      own = {.first_position = position, .last_position = position + count - 1, .last_version = part.last_version};
      position += count;
    }
    if (part.root != nullptr) DAYBOOK_TRY(part.saved(own));
  }
  return {};
}

Result<std::optional<Appended>> find_command(const Store& store, const CommandId& command) {
  const auto first = store.find(event_id_of(command, 0));
  if (!first) return fail(first.error());
  if (*first == 0) return std::optional<Appended>();
  Appended found{.first_position = *first, .repeated = true};
  // One frame's events follow each other, and the ids say which are of this command.
  std::string first_stream;
  Cursor cursor = store.read({.after = *first - 1});
  for (std::uint32_t index = 0; const EventView* event = cursor.next(); ++index) {
    if (event->id == nullptr || *event->id != event_id_of(command, index)) break;
    if (index == 0) first_stream = event->stream;
    if (event->stream == first_stream) found.last_version = event->version;
    found.last_position = event->position;
  }
  if (const auto error = cursor.error()) return fail(*error);
  return std::optional(found);
}

}  // namespace daybook
