#include <daybook/store.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "io/directory.h"
#include "io/system_error.h"
#include "log/cursor.h"
#include "log/log_index.h"
#include "log/query_cursor.h"
#include "log/query_match.h"
#include "log/segment_set.h"
#include "log/writer.h"
#include "store/log_view.h"
#include "store/snapshot_shelf.h"
#include "store/store_access.h"
#include "store/store_impl.h"

namespace daybook {

namespace {

Result<std::shared_ptr<log::SegmentSet>> open_reader(io::Directory& store) {
  auto directory = log::open_segments(store, false);
  if (!directory) return fail(directory.error());
  auto segments = std::make_shared<log::SegmentSet>(std::move(*directory), log::LivePage::open_reader(store),
                                                    log::SegmentSet::Role::reader);
  const auto numbers = segments->numbers();
  if (!numbers) return fail(numbers.error());
  if (numbers->empty()) return fail(Error{.code = Errc::not_found, .what = "no log in the store"});
  const auto first = segments->get(numbers->front());
  if (!first) return fail(first.error());
  segments->set_log((*first)->segment->header().log);
  return segments;
}

log::PositionWindow to_window(const PositionRange& range) {
  log::PositionWindow window{.after = range.after};
  if (range.before != 0) window.before = range.before;
  return window;
}

Result<SegmentInfo> describe_segment(log::SegmentSet& segments, std::uint64_t number) {
  const auto opened = segments.get(number);
  if (!opened) return fail(opened.error());
  const segment::Segment& segment = *(*opened)->segment;
  const auto file = segments.directory().open(format::segment_name(number), io::Directory::OpenMode::read);
  if (!file) return fail(file.error());
  const auto allocated = (*file)->allocated();
  if (!allocated) return fail(allocated.error());
  const auto footer = segment.footer();
  segment::Place first;
  while (!first.events && (*opened)->marks.step(first)) {
  }
  const segment::Place end = (*opened)->marks.find([](const segment::Place&) { return false; });
  SegmentInfo info;
  info.number = number;
  info.epoch = segment.header().epoch;
  info.size = segment.header().size;
  info.allocated = *allocated;
  info.used = footer ? footer->valid_end : end.offset;
  info.sealed = footer && footer->kind == format::SegmentFooter::sealed;
  if (end.events) {
    const auto base = segment.base();
    info.first_position = base ? *base + 1 : first.position;
    info.last_position = end.position;
  }
  return info;
}

}  // namespace

Result<Store> Store::open(const std::filesystem::path& directory, const OpenOptions& options) {
  const bool create = options.mode == Mode::read_write && options.create;
  auto opened = io::open_directory(directory.string(), create);
  if (!opened) return fail(io::about(directory.string(), opened.error()));
  auto store = StoreAccess::open(std::move(*opened), options);
  if (!store) return fail(io::about(directory.string(), store.error()));
  return store;
}

Result<Store> StoreAccess::open(std::unique_ptr<io::Directory> directory, const OpenOptions& options) {
  auto impl = std::make_unique<Store::Impl>();
  impl->directory = std::move(directory);
  impl->durability = options.durability;
  if (options.mode == Mode::read_only) {
    auto segments = open_reader(*impl->directory);
    if (!segments) return fail(segments.error());
    impl->segments = std::move(*segments);
    auto checkpoints = impl->directory->subdirectory(format::kCheckpointsName, false);
    impl->index = std::make_shared<log::LogIndex>(impl->segments, checkpoints ? std::move(*checkpoints) : nullptr);
  } else {
    auto writer = log::Writer::open(impl->directory, options);
    if (!writer) return fail(writer.error());
    impl->writer = std::move(*writer);
    impl->segments = impl->writer->readers();
    impl->index = impl->writer->index();
  }
  impl->shelf = std::make_shared<SnapshotShelf>(
      impl->directory, impl->segments,
      SnapshotShelf::Plan{.writable = impl->writer != nullptr, .keep = options.snapshots_keep});
  impl->snapshots = SnapshotStore(impl->shelf);
  return Store(std::move(impl));
}

log::Writer& StoreAccess::writer(Store& store) { return *store.impl_->writer; }

Store::Store(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Store::Store(Store&&) noexcept = default;
Store& Store::operator=(Store&&) noexcept = default;
Store::~Store() = default;

Result<Appended> Store::append(std::string_view stream, Expect expect, std::span<const NewEvent> events,
                               const AppendOptions& options) {
  StreamAppend one{.stream = stream, .expect = expect, .events = events};
  return append(std::span(&one, 1), options);
}

Result<Appended> Store::append(std::string_view stream, Expect expect, std::span<const NewEvent> events,
                               const AppendCondition& condition, const AppendOptions& options) {
  StreamAppend one{.stream = stream, .expect = expect, .events = events};
  AppendCondition only = condition;
  return append(std::span(&one, 1), std::span(&only, 1), options);
}

Result<Appended> Store::append(std::span<StreamAppend> streams, const AppendOptions& options) {
  return append(streams, std::span<AppendCondition>(), options);
}

Result<Appended> Store::append(std::span<StreamAppend> streams, std::span<AppendCondition> conditions,
                               const AppendOptions& options) {
  if (impl_->writer == nullptr) return fail(Error{.code = Errc::read_only, .what = "append"});
  return impl_->writer->append(streams, conditions, options.durability.value_or(impl_->durability));
}

Result<void> Store::sync(Position position) {
  if (impl_->writer == nullptr) return fail(Error{.code = Errc::read_only, .what = "sync"});
  return impl_->writer->sync(position);
}

Result<void> Store::sync() { return sync(impl_->writer == nullptr ? 0 : impl_->writer->published().position); }

Position Store::published_position() const {
  if (impl_->writer != nullptr) return impl_->writer->published().position;
  return impl_->view().end(Visibility::published).position;
}

Position Store::durable_position() const {
  if (impl_->writer != nullptr) return impl_->writer->durable_position();
  return impl_->view().end(Visibility::durable).position;
}

Result<StreamHead> Store::head(std::string_view stream) const {
  if (impl_->writer != nullptr) return impl_->writer->head(stream);
  return impl_->index->head(stream);
}

Cursor Store::read(const ReadOptions& options) const {
  return Cursor(std::make_unique<log::Cursor>(impl_->segments, options));
}

Cursor Store::read(const Query& query, const ReadOptions& options) const {
  return Cursor(impl_->view().read(query, options));
}

Cursor Store::read_stream(std::string_view stream, const StreamReadOptions& options) const {
  const log::VersionWindow versions{options.from_version, options.to_version == 0 ? ~Version{0} : options.to_version};
  return Cursor(std::make_unique<log::QueryCursor>(impl_->index, log::QueryPlan(std::string(stream), versions),
                                                   ReadOptions{.limit = options.limit,
                                                               .direction = options.direction,
                                                               .visibility = options.visibility,
                                                               .verify = options.verify}));
}

Result<Cursor> Store::resume(const ResumeToken& token, const ReadOptions& options) const {
  const auto from = resume_from(impl_->segments, token, options);
  if (!from) return fail(from.error());
  return read(*from);
}

Result<Cursor> Store::resume(const ResumeToken& token, const Query& query, const ReadOptions& options) const {
  const auto from = resume_from(impl_->segments, token, options);
  if (!from) return fail(from.error());
  return read(query, *from);
}

Result<std::uint64_t> Store::count(const Query& query, const PositionRange& window) const {
  DAYBOOK_TRY(log::check_query(query));
  return impl_->index->count(log::QueryPlan(query), to_window(window));
}

Result<bool> Store::exists(const Query& query, const PositionRange& window) const {
  const auto found = first(query, window);
  if (!found) return fail(found.error());
  return *found != 0;
}

Result<Position> Store::first(const Query& query, const PositionRange& window) const {
  DAYBOOK_TRY(log::check_query(query));
  return impl_->index->end_of(log::QueryPlan(query), to_window(window), Direction::forward);
}

Result<Position> Store::last(const Query& query, const PositionRange& window) const {
  DAYBOOK_TRY(log::check_query(query));
  return impl_->index->end_of(log::QueryPlan(query), to_window(window), Direction::backward);
}

Result<Position> Store::find(const EventId& id) const { return impl_->index->find_id(id); }

Result<std::vector<KeyCount>> Store::streams(std::string_view prefix) const {
  return impl_->index->keys(index::KeyKind::stream, prefix);
}
Result<std::vector<KeyCount>> Store::types(std::string_view prefix) const {
  return impl_->index->keys(index::KeyKind::type, prefix);
}
Result<std::vector<KeyCount>> Store::tags(std::string_view prefix) const {
  return impl_->index->keys(index::KeyKind::tag, prefix);
}

SnapshotStore& Store::snapshots() const { return *impl_->snapshots; }

Result<std::vector<TypeCount>> Store::types_by_version(std::string_view prefix) const {
  return impl_->index->types_by_version(prefix);
}

const RecoveryReport& Store::recovery() const {
  return impl_->writer != nullptr ? impl_->writer->recovery() : impl_->no_recovery;
}

Result<StoreInfo> Store::info() const {
  const auto numbers = impl_->segments->numbers();
  if (!numbers) return fail(numbers.error());
  StoreInfo info;
  info.log = impl_->segments->log();
  for (const std::uint64_t number : *numbers) {
    const auto segment = describe_segment(*impl_->segments, number);
    if (!segment) {
      if (segment.error().code == Errc::not_found) continue;  // prepared, and gone since: the store was closed
      return fail(segment.error());
    }
    info.epoch = std::max(info.epoch, segment->epoch);
    info.segment_size = segment->size;
    info.segments.push_back(*segment);
  }
  return info;
}

Result<void> Store::close() {
  if (impl_->writer == nullptr) return {};
  if (impl_->segments->check_process()) impl_->shelf->close();
  return impl_->writer->close();
}

Cursor::Cursor(std::unique_ptr<log::EventCursor> impl) : impl_(std::move(impl)) {}
Cursor::Cursor(Cursor&&) noexcept = default;
Cursor& Cursor::operator=(Cursor&&) noexcept = default;
Cursor::~Cursor() = default;

const EventView* Cursor::next() { return impl_->next(); }
std::optional<Error> Cursor::error() const { return impl_->error(); }
bool Cursor::wait(std::chrono::nanoseconds timeout) { return impl_->wait(timeout); }
void Cursor::interrupt() noexcept { impl_->interrupt(); }
ResumeToken Cursor::token() const { return impl_->token(); }

}  // namespace daybook
