#include "log/writer.h"

#include <algorithm>
#include <utility>

#include "io/system.h"
#include "log/indexed_heads.h"

namespace daybook::log {
namespace {

// The first segment of a session is made while open() waits, so only its beginning is zeroed. The rest is allocated all
// the same; a durable append there takes a tenth longer, and with many writers 1.7 times as long.
constexpr std::uint64_t kFirstZeroed = 4u << 20;

Result<std::uint64_t> choose_segment_size(const Recovered& recovered, std::uint64_t asked) {
  if (recovered.log && (asked == 0 || asked == recovered.segment_size)) return recovered.segment_size;
  if (recovered.log) {
    return fail(Error{.code = Errc::invalid_argument,
                      .what = "segment size (fixed when the store was created)",
                      .expected = recovered.segment_size,
                      .actual = asked});
  }
  if (asked == 0) return format::kSegmentSizeDefault;
  if (asked % format::kPage != 0 || asked < format::kSegmentSizeMin || asked > format::kSegmentSizeMax) {
    return fail(Error{.code = Errc::invalid_argument,
                      .what = "segment size",
                      .expected = format::kSegmentSizeDefault,
                      .actual = asked});
  }
  return asked;
}

// Null: there are none, and none can be made. Nothing depends on them.
std::unique_ptr<io::Directory> checkpoints(io::Directory& store, bool create) {
  auto directory = store.subdirectory(format::kCheckpointsName, create);
  return directory ? std::move(*directory) : nullptr;
}

std::vector<index::CheckpointSegment> covered_segments(io::Directory& store, const Uuid& log) {
  const auto directory = checkpoints(store, false);
  const auto newest = directory == nullptr ? nullptr : CheckpointFile::open_newest(*directory, log);
  if (newest == nullptr) return {};
  const auto table = newest->checkpoint().segments();
  return {table.begin(), table.end()};
}

}  // namespace

Result<std::unique_ptr<Writer>> Writer::open(std::shared_ptr<io::Directory> store, const OpenOptions& options) {
  if (!options.any_file_system) DAYBOOK_TRY(store->check_file_system());
  auto segments = open_segments(*store, options.create);
  if (!segments) return fail(segments.error());
  auto lock = store->lock(format::kLockName);
  if (!lock) {
    Error error = lock.error();
    if (error.code == Errc::locked && error.actual == 0) {
      if (const auto live = LivePage::open_reader(*store)) error.actual = live->writer();
    }
    return fail(error);
  }
  auto live = LivePage::open_writer(*store);
  if (!live) return fail(live.error());
  auto readers = std::make_shared<SegmentSet>(std::move(*segments), std::move(*live), SegmentSet::Role::writer);
  auto writer = std::unique_ptr<Writer>(new Writer(std::move(store), std::move(*lock), std::move(readers), options));
  DAYBOOK_TRY(writer->recover_and_begin(options));
  return writer;
}

Writer::Writer(std::shared_ptr<io::Directory> store, std::unique_ptr<io::Lock> lock,
               std::shared_ptr<SegmentSet> readers, const OpenOptions& options)
    : store_(std::move(store)),
      lock_(std::move(lock)),
      readers_(std::move(readers)),
      index_(std::make_shared<LogIndex>(readers_, checkpoints(*store_, options.create))),
      fork_generation_(io::fork_generation()),
      history_(state_, index_, options.id_horizon),
      past_{.history = history_, .segments = readers_, .check_ids = options.id_horizon != 0},
      appender_(state_, options.payload_size_max, &past_) {
  state_.live = readers_->live();
}

Writer::~Writer() {
  if (usable()) {
    (void)close();
    return;
  }
  // A forked child has neither their threads nor, for that reason, a way to destroy what those wait on.
  (void)supplier_.release();
  (void)sealer_.release();
  (void)indexer_.release();
}

Result<void> Writer::recover_and_begin(const OpenOptions& options) {
  const auto visit = [this](const format::FrameHeader& frame, format::Word word) { learn_heads(frame, word); };
  const auto mark = [this](const Uuid& log) { return readers_->live()->durable(log); };
  const auto covered = [this](const Uuid& log) { return covered_segments(*store_, log); };
  const auto recovered = recover(readers_->directory(), mark, visit, Scope::tail, covered);
  if (!recovered) return fail(recovered.error());
  if (state_.failure.is_set()) return fail(state_.failure.error());
  if (!recovered->log) {
    if (!options.create) return fail(Error{.code = Errc::not_found, .what = "no log in the store"});
    // The directories may be there since somebody made them and died. Who makes the first segment syncs their names
    // before, so that all who find one need not.
    DAYBOOK_TRY(store_->sync());
    DAYBOOK_TRY(store_->sync_name());
  }
  return begin(*recovered, options);
}

// From a frame that recovery visits: they come in the order of the log, and each says which versions it gave.
void Writer::learn_heads(const format::FrameHeader& frame, format::Word word) noexcept {
  const format::StreamEntry* const entries = format::stream_entries(frame, word.stream_count());
  Position last = format::load_decided(frame.position) - 1;
  for (std::uint32_t i = 0; i < word.stream_count(); ++i) {
    if (entries[i].event_count == 0) continue;  // only checked
    last += entries[i].event_count;
    Head* const head = state_.heads.find(frame, word.stream_count(), i);
    if (head == nullptr) {
      state_.failure.set({.code = Errc::io, .sys_errno = ENOMEM, .what = "stream table"});
      return;
    }
    const Version first = format::load_decided(format::assigned_at(const_cast<format::FrameHeader&>(frame), i));
    const Version version = first + entries[i].event_count - 1;
    if (const auto known = state_.heads.known_version(head)) {
      state_.heads.advance(head, *known, version, last);
    } else {
      state_.heads.load(head, {version, last});
    }
  }
}

Result<void> Writer::begin(const Recovered& recovered, const OpenOptions& options) {
  const auto size = choose_segment_size(recovered, options.segment_size);
  if (!size) return fail(size.error());
  const bool zero = options.durability == Durability::sync;
  const bool large_folios = options.durability == Durability::memory;  // syncs are rare, and of much at once
  const Uuid log = recovered.log ? *recovered.log : io::random_uuid();
  const segment::ActiveSegment::Spec spec{.number = recovered.next_number,
                                          .log = log,
                                          .epoch = recovered.epoch,
                                          .size = *size,
                                          .zeroed = zero ? std::min(*size, kFirstZeroed) : 0,
                                          .large_folios = large_folios};
  auto first = recovered.go_on ? segment::ActiveSegment::reopen(readers_->directory(), recovered.next_number - 1,
                                                                *recovered.go_on, large_folios)
                               : segment::ActiveSegment::create(readers_->directory(), spec);
  if (!first) return fail(first.error());

  readers_->set_log(log);
  if (recovered.unread > 0) {
    unknown_heads_ = std::make_unique<IndexedHeads>(index_, recovered.unread);
    state_.unknown_heads = unknown_heads_.get();
  }
  report_ = recovered.report;
  segment::ActiveSegment* const segment = adopt(std::move(*first));
  const Position base = recovered.go_on ? recovered.go_on_base : recovered.position;
  segment->base.store(base, std::memory_order_relaxed);
  ProductionEnv::describe_base(*segment, base);
  state_.clock.store(recovered.clock, std::memory_order_relaxed);
  state_.publishing.store(segment, std::memory_order_seq_cst);
  state_.active.store(segment, std::memory_order_seq_cst);

  // Recovery has synced what it kept, and a clean close what it left.
  const Point durable = state_.published();
  sync_env_.emplace(state_, *readers_, *segment);
  sync_.emplace(*sync_env_, durable.address);
  readers_->live()->describe(log, format::Address::unpack(durable.address));
  sync_env_->moved(durable);

  indexer_ = std::make_unique<Indexer>(
      index_,
      std::make_unique<Checkpointer>(readers_, checkpoints(*store_, true),
                                     Checkpointer::Period{options.checkpoint_bytes, options.checkpoint_interval}));
  index_->when_wanted([indexer = indexer_.get()](std::uint64_t number) { indexer->want(number); });
  sealer_ = std::make_unique<Sealer>(state_, *sync_, options.sync_interval, *segment,
                                     [this](std::uint64_t number) { indexer_->want(number); });
  Supplier::Plan plan{
      .log = log, .epoch = recovered.epoch, .segment_size = *size, .zero = zero, .large_folios = large_folios};
  if (recovered.go_on && recovered.zero_until < segment->claims().data_end()) {
    auto file = readers_->directory().open(format::segment_name(segment->number()), io::Directory::OpenMode::read);
    if (!file) return fail(file.error());
    (*file)->read_ahead(large_folios);  // it is read where appends go soon
    plan.reopened = std::move(*file);
    plan.zero_from = recovered.zero_until;
    const format::Address until{static_cast<std::uint32_t>(segment->number()),
                                static_cast<std::uint32_t>(recovered.zero_until)};
    state_.supply.zero_until.store(until.packed(), std::memory_order_relaxed);
  }
  supplier_ = std::make_unique<Supplier>(
      state_, readers_->directory(), std::move(plan), [this](auto made) { return adopt(std::move(made)); },
      [this] { sealer_->look(); });
  if (!sealer_->start() || !supplier_->start() || !indexer_->start()) {
    return fail(Error{.code = Errc::io, .sys_errno = EAGAIN, .what = "start a thread"});
  }
  if (options.durability == Durability::interval) sealer_->sync_regularly();
  return {};
}

segment::ActiveSegment* Writer::adopt(std::unique_ptr<segment::ActiveSegment> segment) {
  readers_->add(segment->shared(), segment->before().end);
  const std::lock_guard lock(segments_mutex_);
  return segments_.emplace_back(std::move(segment)).get();
}

Result<Appended> Writer::append(std::span<StreamAppend> streams, std::span<AppendCondition> conditions,
                                Durability durability) noexcept {
  format::Address end;
  // One object from here to the caller: Appender::write() says what a copy costs.
  Result<Appended> appended = usable() ? appender_.append(streams, conditions, end)
                                       : fail(Error{.code = Errc::closed, .what = "store of a parent process"});
  if (!appended) return appended;
  if (durability == Durability::sync) {
    if (const auto synced = sync_to(end.packed()); !synced) appended = fail(synced.error());
    return appended;
  }
  if (durability == Durability::interval && !regular_.load(std::memory_order_relaxed) && !regular_.exchange(true)) {
    sealer_->sync_regularly();
  }
  return appended;
}

Result<void> Writer::sync_to(std::uint64_t address) noexcept {
  if (sync_->sync(address)) return {};
  return fail(state_.failure.error());
}

Result<void> Writer::sync(Position position) noexcept {
  if (!usable()) return fail(Error{.code = Errc::closed, .what = "store of a parent process"});
  if (position <= durable_position()) return {};
  const Point now = state_.published();
  if (position > now.position) {
    return fail(Error{.code = Errc::invalid_argument,
                      .what = "sync of a position that is not published",
                      .expected = now.position,
                      .actual = position});
  }
  return sync_to(now.address);
}

// A stream that nobody has appended to in this session is as it was at open. Asking makes no slot, so that questions
// after streams which do not exist cost no memory.
Result<StreamHead> Writer::head(std::string_view stream) noexcept {
  if (!usable()) return fail(Error{.code = Errc::closed, .what = "store of a parent process"});
  Head* const head = state_.heads.peek(state_.heads.key(stream));
  if (head == nullptr) return state_.head_at_open(stream);
  if (!state_.heads.known_version(head)) {
    const auto at_open = state_.head_at_open(stream);
    if (!at_open) return fail(at_open.error());
    state_.heads.load(head, *at_open);
  }
  const Version version = state_.heads.version(head);
  return StreamHead{version, version == 0 ? 0 : state_.heads.last_position(head)};
}

Result<void> Writer::close() noexcept {
  if (closed_ || !usable()) return {};
  closed_ = true;
  if (supplier_) supplier_->stop();
  if (sealer_) sealer_->stop();
  index_->when_wanted({});  // cursors go on using the index
  if (indexer_) indexer_->stop();
  Result<void> done;
  if (state_.failure.is_set()) {
    done = fail(state_.failure.error());
  } else if (supplier_) {
    done = close_cleanly();
  }
  state_.failure.set({.code = Errc::closed, .what = "store is closed"});
  lock_.reset();
  return done;
}

Result<void> Writer::close_cleanly() {
  DAYBOOK_TRY(sync_to(state_.published().address));
  segment::ActiveSegment* const active = state_.active.load(std::memory_order_seq_cst);
  if (segment::ActiveSegment* const next = active->next.load(std::memory_order_acquire)) {
    // Prepared and never entered. It goes before the footer is written: a close is the last thing in a log.
    DAYBOOK_TRY(readers_->directory().remove(format::segment_name(next->number())));
    DAYBOOK_TRY(readers_->directory().sync());
  }
  DAYBOOK_TRY(sealer_->finish(*active, format::SegmentFooter::closed));
  Indexer::write_closed(*index_, active->number());
  return {};
}

}  // namespace daybook::log
