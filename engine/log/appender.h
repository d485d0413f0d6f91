// Append: claim, fill, publish. Everything that an appending thread does in Durability::memory is in this file, in
// publisher.h and in segment/claims.h: no mutex, no allocation, and no system call unless somebody sleeps, the next
// segment is not there yet, or a frame before its own is held up. That is of appends that depend on nothing but their own
// streams; others look into the log first, which may allocate and read a lot (past.h).
#pragma once

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <new>
#include <optional>
#include <span>
#include <string_view>
#include <thread>

#include <daybook/error.h>
#include <daybook/store.h>

#include "format/frame.h"
#include "io/futex.h"
#include "io/system.h"
#include "log/condition_check.h"
#include "log/log_state.h"
#include "log/past.h"
#include "log/publisher.h"
#include "log/query_match.h"
#include "segment/active_segment.h"

namespace daybook::log {

// The places in an append where a test may stop a thread for ever.
enum class Step : std::uint8_t {
  begun,    // before the claim
  claimed,  // the one place where others have to wait to become visible: claimed and not filled ...
  copied,   // ... until the copy is done and the word stored
  filled,   // the word says filled
  leased,   // from here on: publishing, for whatever frame
  looked,
  read_heads,
  looked_again,
  recorded,
  moved_heads,
  described,
  decided,
  marked,
  entering,
  published,  // the own frame is decided
};

struct ProductionEnv {
  using Atomics = segment::StdAtomics;
  using Segment = segment::ActiveSegment;
  using Log = LogState;
  using Head = log::Head;
  using Step = log::Step;

  static constexpr std::size_t kStreamsMax = kAppendStreamsMax;
  static constexpr std::uint32_t kPatience = 4;

  static void step(Step) noexcept {}

  // Writes down for readers where a segment begins, as publishing enters it.
  static void describe_base(Segment& segment, std::uint64_t base) noexcept {
    auto& written = *reinterpret_cast<format::SegmentBase*>(segment.bytes() + format::kBaseOffset);
    Atomics::store(written.position, base, Atomics::relaxed);
    Atomics::store(written.check, format::base_check(base, segment.salt()), Atomics::release);
  }

  static std::optional<format::Refusal> refusal(const Segment& segment, std::uint64_t offset) noexcept {
    return find_refusal(segment, offset);
  }

  // Waiting for another thread's frame. Yielding early matters more than spinning: the thread that is waited for may
  // need this very processor.
  static void pause(std::uint32_t round) noexcept {
    if (round < 64) {
#if defined(__x86_64__)
      __builtin_ia32_pause();
#endif
    } else if (round < 1024) {
      std::this_thread::yield();
    } else {
      std::this_thread::sleep_for(std::chrono::microseconds(50));
    }
  }
};

template <typename Env = ProductionEnv>
class Appender {
  using Step = typename Env::Step;

 public:
  // Without a past it takes no conditions, writes to every stream, and does not check ids.
  Appender(LogState& state, std::uint64_t payload_size_max, const Past* past = nullptr) noexcept
      : state_(state), publisher_(state), payload_size_max_(payload_size_max), past_(past) {}

  // `end` becomes the address behind the frame; zero when nothing was written.
  // Thread safety: from any thread at any time. Lock-free, but for what Past needs.
  Result<Appended> append(std::span<StreamAppend> streams, std::span<AppendCondition> conditions,
                          format::Address& end) noexcept {
    if (state_.failure.is_set()) return fail(state_.failure.error());
    end = {};
    // Nearly every append is to one stream; the loops over streams fold away there.
    if (streams.size() == 1 && conditions.empty()) return append_plain<1>(streams.template first<1>(), end);
    return append_any(streams, conditions, end);
  }

 private:
  static constexpr std::uint64_t kWakeEvery = 1u << 20;  // bytes of log between looks whether the supplier sleeps
  // How far behind the end of a frame zeros are known before it is written: readers look at the word there.
  static constexpr std::uint64_t kZeroAhead = 64u << 10;

  [[gnu::noinline]] Result<Appended> append_any(std::span<StreamAppend> streams, std::span<AppendCondition> conditions,
                                                format::Address& end) noexcept {
    if (conditions.empty()) return append_plain<std::dynamic_extent>(streams, end);
    if (streams.empty()) return append_depending({}, conditions, {}, end);
    const auto shape = format::measure(streams, payload_size_max_);
    if (!shape) return fail(shape.error());
    return append_depending(streams, conditions, *shape, end);
  }

  // Without conditions.
  template <std::size_t kStreams>
  [[gnu::always_inline]] Result<Appended> append_plain(std::span<StreamAppend, kStreams> streams,
                                                       format::Address& end) noexcept {
    constexpr bool kOne = kStreams == 1;
    std::array<Head*, kOne ? 1 : kAppendStreamsMax> heads;
    StreamKey key;
    if constexpr (kOne) {
      // The slot of the stream is on its way to the cache while the append is measured.
      key = state_.heads.key(streams.front().stream);
      state_.heads.prefetch(key);
    }
    format::FrameShape shape;
    if constexpr (kOne) shape = format::measure_single(streams.front(), payload_size_max_);
    if (shape.size == 0) {
      const auto measured = format::measure(streams, payload_size_max_);
      if (!measured) return fail(measured.error());
      shape = *measured;
    }
    const bool checks_ids = shape.ids != 0 && past_ != nullptr && past_->check_ids;
    if (shape.idle != 0 || checks_ids) return append_depending(streams, {}, shape, end);

    if constexpr (kOne) {
      heads[0] = state_.heads.find(key);
      if (heads[0] == nullptr) return fail(no_memory());
    } else {
      DAYBOOK_TRY(find_heads(streams, heads.data()));
    }
    for (std::uint32_t i = 0; i < streams.size(); ++i) {
      auto actual = state_.heads.known_version(heads[i]);
      if (!actual) {
        DAYBOOK_TRY(load_head(streams[i].stream, heads[i]));
        actual = state_.heads.version(heads[i]);
      }
      if (!streams[i].expect.met_by(*actual)) {
        DAYBOOK_TRY(know_heads(streams.subspan(i), heads.data() + i));
        return fail(refuse(streams, i, *actual, heads.data()));
      }
    }
    return write(shape, streams, heads.data(), end);
  }

  // An append that nothing is known to stand against. A Result is made where it is returned, here and in what calls this:
  // an Error has 200 bytes of text, so one that is begun early is zeroed first (10 ns), and one that is copied copies them
  // or waits for its own stores.
  template <std::size_t kStreams>
  [[gnu::always_inline]] Result<Appended> write(const format::FrameShape& shape,
                                                std::span<StreamAppend, kStreams> streams, Head* const* heads,
                                                format::Address& end) noexcept {
    Env::step(Step::begun);
    segment::ActiveSegment* segment = nullptr;
    segment::Claim claim = try_claim(shape.size, segment);
    if (claim.kind != segment::Claim::Kind::owned || !state_.supply.all_zero()) [[unlikely]] {
      const auto offset = claim_further(claim, shape.size, segment);
      if (!offset) return fail(offset.error());
      claim.offset = *offset;
    }
    publish(*segment, claim.offset, shape, streams, heads, nullptr);
    Appended appended;
    const Refused refused = read_outcome(*segment, claim.offset, streams, appended, end);
    finish(*segment);
    if (refused) return fail(refuse(streams, refused->index, refused->actual, heads));
    return appended;
  }

  // An append that needs its past. Nothing is thrown but by want of memory, and that before the claim or behind it.
  [[gnu::noinline]] Result<Appended> append_depending(std::span<StreamAppend> streams,
                                                      std::span<AppendCondition> conditions,
                                                      const format::FrameShape& shape, format::Address& end) noexcept {
    if (past_ == nullptr) return fail(Error{.code = Errc::invalid_argument, .what = "append without a past"});
    try {
      DAYBOOK_TRY(prepare(conditions));
      if (shape.events == 0) return check(streams, conditions);
      return append_looking(streams, conditions, shape, end);
    } catch (const std::bad_alloc&) {
      return fail(Error{.code = Errc::io, .sys_errno = ENOMEM, .what = "append"});
    }
  }

  // No events: whether everything holds at one point of the log, the last one.
  Result<Appended> check(std::span<StreamAppend> streams, std::span<AppendCondition> conditions) {
    std::array<Head*, kAppendStreamsMax> heads;
    std::array<Version, kAppendStreamsMax> versions;
    DAYBOOK_TRY(find_heads(streams, heads.data()));
    DAYBOOK_TRY(know_heads(streams, heads.data()));
    const Point now = settle(std::span(heads).first(streams.size()), versions.data());
    std::optional<Error> refusal = refuse_at(streams, versions.data());
    format::Address looked{};
    DAYBOOK_TRY(look_up(past_->history, conditions, now.position, looked));
    if (!refusal) refusal = first_violation(conditions);
    if (refusal) return fail(*refusal);
    for (std::size_t i = 0; i < streams.size(); ++i) streams[i].last_version = versions[i];
    return Appended{.last_position = now.position, .last_version = streams.empty() ? 0 : versions[0]};
  }

  // Ids, expectations and conditions against what is published now; what is published from then on until the frame's turn
  // comes is for publishing to look at.
  Result<Appended> append_looking(std::span<StreamAppend> streams, std::span<AppendCondition> conditions,
                                  format::FrameShape shape, format::Address& end) {
    std::array<Head*, kAppendStreamsMax> heads;
    std::array<Version, kAppendStreamsMax> versions;
    DAYBOOK_TRY(find_heads(streams, heads.data()));
    DAYBOOK_TRY(know_heads(streams, heads.data()));
    const Point now = settle(std::span(heads).first(streams.size()), versions.data());
    format::ConditionBlock block{.conditions = conditions, .looked = format::Address::unpack(now.address)};
    if (shape.ids != 0 && past_->check_ids) {
      // Before the expectations: a repeated append finds its own events in the way.
      block.unique_ids = true;
      const auto own = collect_ids(streams);
      if (!own) return fail(own.error());
      const auto found = past_->history.find_ids(own->ids);
      if (!found) return fail(found.error());
      block.looked = std::min(block.looked, found->looked);
      for (std::size_t i = 0; i < own->ids.size(); ++i) {
        if (found->positions[i] != 0) {
          return find_first_append(*past_, streams, own->events[i], found->positions[i], end);
        }
      }
    }
    std::optional<Error> refusal = refuse_at(streams, versions.data());
    DAYBOOK_TRY(look_up(past_->history, conditions, ~Position{0}, block.looked));
    if (!refusal) refusal = first_violation(conditions);
    if (refusal) return fail(*refusal);

    Env::step(Step::begun);
    shape = format::with_block(shape, block);
    segment::ActiveSegment* segment = nullptr;
    const segment::Claim first = try_claim(shape.size, segment);
    const auto offset = claim_further(first, shape.size, segment);
    if (!offset) return fail(offset.error());
    publish(*segment, *offset, shape, streams, heads.data(), &block);
    Appended appended;
    const Refused refused = read_outcome(*segment, *offset, streams, appended, end);
    finish(*segment);
    if (!refused) return appended;
    return explain(*segment, *offset, streams, conditions, block, heads.data(), end);
  }

  // Everything that stood against a frame that was rejected; or the result of the append that it repeats.
  Result<Appended> explain(segment::ActiveSegment& segment, std::uint64_t offset, std::span<StreamAppend> streams,
                           std::span<AppendCondition> conditions, const format::ConditionBlock& block,
                           Head* const* heads, format::Address& end) {
    if (const auto used = find_used_id(segment, offset)) {
      return find_first_append(*past_, streams, used->index, used->actual, end);
    }
    visit_decided(segment, offset, block.looked, [conditions](const EventView& event) {
      for (AppendCondition& condition : conditions) {
        const bool counts = condition.violated_by == 0 && event.position > condition.after;
        if (counts && matches(condition.fail_if, event)) condition.violated_by = event.position;
      }
      return false;
    });
    const segment::FrameRef frame = segment.frame(offset);
    const auto refusal =
        format::Refusal::unpack(format::load_decided(frame.recorded_at()), format::load_decided(frame.position()));
    if (refusal.reason == format::Refusal::Reason::expectation) {
      return fail(refuse(streams, refusal.index, refusal.actual, heads));
    }
    const Error recorded{
        .code = Errc::condition_failed, .what = "append condition", .actual = refusal.actual, .index = refusal.index};
    return fail(first_violation(conditions).value_or(recorded));
  }

  // A point of the log, and the versions that streams had there. Heads move before the mark does, so one may be ahead of
  // it; then the frame at the mark is filled, and to get it decided is better than to wait for somebody who may be stuck.
  Point settle(std::span<Head* const> heads, Version* versions) noexcept {
    for (;;) {
      segment::ActiveSegment& at = *state_.publishing.load(std::memory_order_seq_cst);
      const segment::Mark mark = at.claims().mark();
      const Position position = at.base.load(std::memory_order_relaxed) + mark.events;
      bool ahead = false;
      for (std::size_t i = 0; i < heads.size(); ++i) {
        // In this order: who sees a version sees the position that goes with it, or a later one.
        versions[i] = state_.heads.version(heads[i]);
        ahead = ahead || state_.heads.last_position(heads[i]) > position;
      }
      const format::Address address{static_cast<std::uint32_t>(at.number()), static_cast<std::uint32_t>(mark.offset)};
      if (!ahead) return {address.packed(), position};
      publisher_.help(at, mark.offset);
    }
  }

  // Fills and publishes what is claimed.
  [[gnu::always_inline]] void publish(segment::ActiveSegment& segment, std::uint64_t offset,
                                      const format::FrameShape& shape, std::span<StreamAppend> streams,
                                      Head* const* heads, const format::ConditionBlock* block) noexcept {
    Env::step(Step::claimed);
    fill(segment, offset, shape, streams, block);
    Env::step(Step::filled);
    publisher_.publish_through(segment, offset, heads);
    Env::step(Step::published);
  }

  // The outcome has been read.
  void finish(segment::ActiveSegment& segment) noexcept {
    segment.claims().leave();
    state_.live->wake();
  }

  // Before the claim: stream_table.h (5). So only a thread that owes nothing to anybody ever waits for a disk here.
  [[gnu::noinline]] Result<void> load_head(std::string_view stream, Head* head) noexcept {
    const auto at_open = state_.head_at_open(stream);
    if (!at_open) return fail(at_open.error());
    state_.heads.load(head, *at_open);
    return {};
  }

  Result<void> know_heads(std::span<const StreamAppend> streams, Head* const* heads) noexcept {
    for (std::size_t i = 0; i < streams.size(); ++i) {
      if (!state_.heads.known_version(heads[i])) DAYBOOK_TRY(load_head(streams[i].stream, heads[i]));
    }
    return {};
  }

  // Hashes a few streams ahead, so that the cache misses of their slots overlap.
  Result<void> find_heads(std::span<const StreamAppend> streams, Head** heads) noexcept {
    if (streams.size() == 1) {
      heads[0] = state_.heads.find(state_.heads.key(streams[0].stream));
      if (heads[0] == nullptr) return fail(no_memory());
      return {};
    }
    std::array<StreamKey, kAppendStreamsMax> keys;
    for (std::size_t i = 0; i < streams.size(); ++i) {
      keys[i] = state_.heads.key(streams[i].stream);
      state_.heads.prefetch(keys[i]);
    }
    for (std::size_t i = 0; i < streams.size(); ++i) {
      heads[i] = state_.heads.find(keys[i]);
      if (heads[i] == nullptr) return fail(no_memory());
    }
    return refuse_twins(std::span(keys.data(), streams.size()));
  }

  // A stream may be named once: its expectation would be ambiguous.
  static Result<void> refuse_twins(std::span<StreamKey> keys) noexcept {
    std::ranges::sort(keys);
    const auto twin = std::ranges::adjacent_find(keys);
    if (twin == keys.end()) return {};
    return fail(Error{.code = Errc::invalid_argument, .what = "stream named twice in one append"});
  }

  // The first of two steps; the second is needed when this does not own what it claims, or when zeros are to be awaited.
  // Apart, because a Result of the offset would be in memory: 2 ns of 78.
  [[gnu::always_inline]] segment::Claim try_claim(std::uint64_t size, segment::ActiveSegment*& segment) noexcept {
    segment = state_.active.load(std::memory_order_seq_cst);
    auto& claims = segment->claims();
    if (size > claims.data_end() - format::kDataStart || claims.full()) return {};
    const segment::Claim claim = claims.claim(size);
    if ((claim.offset ^ (claim.offset + size)) >= kWakeEvery) wake_supplier();
    return claim;
  }

  // Goes on from a first claim, through as many segments as it takes.
  [[gnu::noinline]] Result<std::uint64_t> claim_further(segment::Claim claim, std::uint64_t size,
                                                        segment::ActiveSegment*& segment) noexcept {
    for (;; claim = try_claim(size, segment)) {
      auto& claims = segment->claims();
      if (size > claims.data_end() - format::kDataStart) {
        return fail(Error{.code = Errc::too_large,
                          .what = "append does not fit in a segment",
                          .expected = claims.data_end() - format::kDataStart,
                          .actual = size});
      }
      switch (claim.kind) {
        case segment::Claim::Kind::owned: DAYBOOK_TRY(await_zeros(*segment, claim.offset + size)); return claim.offset;
        case segment::Claim::Kind::padder:
          DAYBOOK_TRY(await_zeros(*segment, claims.data_end()));
          segment->pad(claim.offset);
          [[fallthrough]];
        case segment::Claim::Kind::late: claims.leave(); break;
        case segment::Claim::Kind::none: break;
      }
      DAYBOOK_TRY(move_on(*segment));
    }
  }

  [[gnu::always_inline]] void fill(segment::ActiveSegment& segment, std::uint64_t offset,
                                   const format::FrameShape& shape, std::span<const StreamAppend> streams,
                                   const format::ConditionBlock* block) noexcept {
    const format::Word word = shape.word(format::FrameState::filled);
    const auto floor = format::Address::unpack(state_.durable_floor.load(std::memory_order_relaxed));
    format::fill(segment.bytes() + offset, shape, streams, floor, io::coarse_now(), offset, segment.salt(), block);
    Env::step(Step::copied);
    // Release: whoever finds the word filled sees the frame. Pairs with the acquire loads of the word in Publisher.
    Env::Atomics::store(segment.frame(offset).word(), word.bits, Env::Atomics::release);
  }

  // A frame that was rejected: the index of a refused stream, if that was why, and the version that it had.
  struct Refusal {
    std::uint32_t index = 0;
    Version actual = 0;
  };
  using Refused = std::optional<Refusal>;

  template <std::size_t kStreams>
  [[gnu::always_inline]] static Refused read_outcome(segment::ActiveSegment& segment, std::uint64_t offset,
                                                     std::span<StreamAppend, kStreams> streams, Appended& appended,
                                                     format::Address& end) noexcept {
    const segment::FrameRef frame = segment.frame(offset);
    const format::Word word{Env::Atomics::load(frame.word(), Env::Atomics::acquire)};
    const std::uint64_t position = format::load_decided(frame.position());
    if (word.state() == format::FrameState::rejected) {
      return Refusal{static_cast<std::uint32_t>(format::load_decided(frame.recorded_at())), position};
    }
    for (std::uint32_t i = 0; i < streams.size(); ++i) {
      streams[i].last_version = format::load_decided(frame.assigned(i)) + streams[i].events.size() - 1;
      streams[i].refused = false;
    }
    appended.first_position = position;
    appended.last_position = position + word.event_count() - 1;
    appended.last_version = streams[0].last_version;
    end = {static_cast<std::uint32_t>(segment.number()), static_cast<std::uint32_t>(offset + word.size())};
    return std::nullopt;
  }

  // Makes the next segment the active one, unless somebody has.
  [[gnu::noinline]] Result<void> move_on(segment::ActiveSegment& full) noexcept {
    segment::ActiveSegment* next = full.next.load(std::memory_order_acquire);
    if (next == nullptr) {
      DAYBOOK_TRY(wait_for_next(full));
      next = full.next.load(std::memory_order_acquire);
    }
    segment::ActiveSegment* expected = &full;
    state_.active.compare_exchange_strong(expected, next, std::memory_order_seq_cst);
    wake_supplier();
    return {};
  }

  // A segment that is gone on with is looked through for bytes that are not zero while appends go on; here they wait
  // when they are faster than that. If there are any, what is claimed before them stays empty, and the log fails:
  // whoever has claimed behind this frame needs more zeros than this one, and gives up as well. So no frame is ever
  // written over bytes that were not looked at.
  [[gnu::noinline]] Result<void> await_zeros(segment::ActiveSegment& segment, std::uint64_t end) noexcept {
    const std::uint64_t wanted = std::min(end + kZeroAhead, segment.claims().data_end());
    const format::Address to{static_cast<std::uint32_t>(segment.number()), static_cast<std::uint32_t>(wanted)};
    for (std::uint32_t round = 0;; ++round) {
      // In this order: once it is stray, the address does not move any more.
      const bool stray = state_.supply.stray.load(std::memory_order_acquire);
      if (state_.supply.zero_until.load(std::memory_order_acquire) >= to.packed()) return {};
      if (stray) {
        segment.claims().leave();
        return fail(state_.failure.error());
      }
      Env::pause(round);
    }
  }

  void wake_supplier() noexcept {
    Supply& supply = state_.supply;
    if (supply.asleep.load(std::memory_order_seq_cst) == 0) return;
    supply.asleep.store(0, std::memory_order_relaxed);
    request_supply();
  }
  void request_supply() noexcept {
    state_.supply.wanted.fetch_add(1, std::memory_order_seq_cst);
    io::futex_wake_all(state_.supply.wanted);
  }

  // The supplier is behind: the disk is slower than the appends, or full. Two attempts must have ended, because the
  // first may have begun before this call.
  Result<void> wait_for_next(segment::ActiveSegment& full) noexcept {
    Supply& supply = state_.supply;
    const std::uint32_t before = supply.attempts.load(std::memory_order_seq_cst);
    for (;;) {
      const std::uint32_t attempts = supply.attempts.load(std::memory_order_seq_cst);
      if (full.next.load(std::memory_order_acquire) != nullptr) return {};
      if (state_.failure.is_set()) return fail(state_.failure.error());
      const std::uint64_t failure = supply.failure.load(std::memory_order_acquire);
      if (attempts - before >= 2 && failure != 0) {
        return fail(Error{.code = static_cast<Errc>(failure & 0xff),
                          .sys_errno = static_cast<std::int32_t>(failure >> 8),
                          .what = "prepare the next segment",
                          .segment = full.number() + 1});
      }
      request_supply();
      io::futex_wait(supply.attempts, attempts, std::chrono::seconds(1));
    }
  }

  // Stream `first` is refused, those before it are not; what about the others, the heads say.
  [[gnu::noinline]] Error refuse(std::span<StreamAppend> streams, std::uint32_t first, Version actual,
                                 Head* const* heads) noexcept {
    for (std::uint32_t i = 0; i < streams.size(); ++i) {
      const Version version = i == first ? actual : state_.heads.version(heads[i]);
      note(streams[i], i >= first, version);
    }
    return refused(streams[first].expect, actual, first);
  }

  // The same with all versions known: the error for the first one refused, if any is.
  static std::optional<Error> refuse_at(std::span<StreamAppend> streams, const Version* versions) noexcept {
    std::optional<Error> first;
    for (std::uint32_t i = 0; i < streams.size(); ++i) {
      note(streams[i], true, versions[i]);
      if (streams[i].refused && !first) first = refused(streams[i].expect, versions[i], i);
    }
    return first;
  }

  static void note(StreamAppend& stream, bool counts, Version actual) noexcept {
    stream.refused = counts && !stream.expect.met_by(actual);
    stream.actual = stream.refused ? actual : 0;
  }

  static Error refused(Expect expect, Version actual, std::uint32_t index) noexcept {
    const char* what = "expected version";
    if (expect.kind() == Expect::Kind::no_stream) what = "expected no stream";
    if (expect.kind() == Expect::Kind::exists) what = "expected an existing stream";
    return {.code = Errc::wrong_version, .what = what, .expected = expect.version(), .actual = actual, .index = index};
  }
  static Error no_memory() noexcept { return {.code = Errc::io, .sys_errno = ENOMEM, .what = "stream table"}; }

  LogState& state_;
  Publisher<Env> publisher_;
  const std::uint64_t payload_size_max_;
  const Past* const past_;
};

}  // namespace daybook::log
