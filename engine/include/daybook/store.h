// The store: open, append, read, sync, close.
#pragma once

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <daybook/consumer.h>
#include <daybook/cursor.h>
#include <daybook/error.h>
#include <daybook/event.h>
#include <daybook/export.h>
#include <daybook/options.h>
#include <daybook/query.h>
#include <daybook/snapshot.h>
#include <daybook/subscription.h>
#include <daybook/types.h>

namespace daybook {

// One stream's part of an append. Without events, its expectation is checked and nothing is written to the stream.
struct StreamAppend {
  std::string_view stream;
  Expect expect{};
  std::span<const NewEvent> events{};
  Version last_version = 0;  // out, when the append succeeded: version of the stream behind it
  bool refused = false;      // out: the expectation did not hold
  Version actual = 0;        // out, when refused: the version that the stream had
};

// Where an append went. An append of n events takes n positions in a row, in the order given. An append without events
// has looked at everything up to last_position; its first_position is 0.
struct Appended {
  Position first_position = 0;
  Position last_position = 0;
  Version last_version = 0;  // of the (first) stream, after the append
  bool repeated = false;     // the events were there already, by their ids: this is where the first append put them
};

struct StreamHead {
  Version version = 0;         // of its last event; 0 = there is no such stream
  Position last_position = 0;  // of its last event
};

// A stream, a type or a tag, and how often it is there.
struct KeyCount {
  std::string key;
  std::uint64_t events = 0;
  Position last_position = 0;  // of the newest of them
};

// A type with one of the schema versions that its events have.
struct TypeCount {
  std::string type;
  std::uint32_t schema_version = 1;
  std::uint64_t events = 0;
  Position last_position = 0;  // of the newest of them
};

// What open() found and did. After a clean close all of it is zero.
struct RecoveryReport {
  bool unclean = false;          // the last writer did not close the store
  std::uint64_t segment = 0;     // where the log was cut
  std::uint64_t offset = 0;      // the end of the valid prefix in that segment
  std::uint64_t bytes_cut = 0;   // bytes behind it that were not zero
  std::uint64_t frames_cut = 0;  // complete frames among them: published out of order by the disk, never durable
};

struct SegmentInfo {
  std::uint64_t number = 0;  // 1, 2, 3 ...
  std::uint64_t epoch = 0;
  std::uint64_t size = 0;       // of the file, bytes
  std::uint64_t allocated = 0;  // on disk, bytes
  std::uint64_t used = 0;       // bytes up to the end of the last published frame
  bool sealed = false;
  Position first_position = 0;  // 0 = no events
  Position last_position = 0;
};

struct StoreInfo {
  Uuid log{};
  std::uint64_t epoch = 0;
  std::uint64_t segment_size = 0;
  std::vector<SegmentInfo> segments;
};

// An event store in a directory.
//
// Thread safety: every method may be called from any thread at any time, but close() and destruction, which must
// come after every other call has returned.
// Crash safety: see Durability. Fork: a child must not use the parent's store; its calls fail with Errc::closed.
class DAYBOOK_EXPORT Store {
 public:
  // Opens, recovers or creates the store in `directory`. For writing it takes the lock of the store
  // (Errc::locked when another process, or another Store of this one, holds it).
  static Result<Store> open(const std::filesystem::path& directory, const OpenOptions& options = {});

  Store(Store&&) noexcept;
  Store& operator=(Store&&) noexcept;
  ~Store();  // closes; an error of close() is lost, so call it where it matters

  // Appends events to one stream, all or none. Returns when they are visible, and durable if asked for.
  // Lock-free in Durability::memory. Fails without a trace in the log: wrong_version (expected, actual),
  // duplicate_id, invalid_argument, too_large, no_space, poisoned, read_only, closed.
  Result<Appended> append(std::string_view stream, Expect expect, std::span<const NewEvent> events,
                          const AppendOptions& options = {});
  Result<Appended> append(std::string_view stream, Expect expect, std::initializer_list<NewEvent> events,
                          const AppendOptions& options = {}) {
    return append(stream, expect, std::span(events.begin(), events.size()), options);
  }

  // Appends to several streams as one frame: visible together or not at all, each stream with its own expectation.
  // A stream may be named once. On wrong_version, Error::index says which stream; StreamAppend::refused and actual say
  // it of each.
  //
  // Events with ids may be appended again: when the log holds an append of the same events (by id) to the same streams,
  // nothing is written, whatever the expectations and conditions, and the first result is returned. Any other use of an
  // id that is in the log is duplicate_id. See OpenOptions::id_horizon.
  Result<Appended> append(std::span<StreamAppend> streams, const AppendOptions& options = {});

  // The same, if no condition is violated (condition_failed), all of it decided at one place in the log. Every condition
  // that is violated says so, and every stream that is refused, also when the error names another one: those behind the
  // named one as of then or a moment later. Streams may have no events, and there may be no streams: an append without
  // any event checks what holds for everything that is published now, and writes nothing.
  Result<Appended> append(std::span<StreamAppend> streams, std::span<AppendCondition> conditions,
                          const AppendOptions& options = {});

  // Events to one stream under one condition: on condition_failed, Error::actual is the first position that violates it.
  Result<Appended> append(std::string_view stream, Expect expect, std::span<const NewEvent> events,
                          const AppendCondition& condition, const AppendOptions& options = {});
  Result<Appended> append(std::string_view stream, Expect expect, std::initializer_list<NewEvent> events,
                          const AppendCondition& condition, const AppendOptions& options = {}) {
    return append(stream, expect, std::span(events.begin(), events.size()), condition, options);
  }

  // Returns when everything up to `position` (everything published by now) is durable.
  Result<void> sync(Position position);
  Result<void> sync();

  [[nodiscard]] Position published_position() const;
  [[nodiscard]] Position durable_position() const;

  // The last event of a stream.
  Result<StreamHead> head(std::string_view stream) const;

  // A cursor over the whole log. Errors of the start (a position beyond the end is not one) come from the cursor.
  [[nodiscard]] Cursor read(const ReadOptions& options = {}) const;

  // A cursor over the events that a query matches, found by index: it costs what it returns. An invalid query is an error
  // of the cursor (invalid_argument). Forward, it goes on when more was appended: a filtered subscription is this and
  // Cursor::wait().
  [[nodiscard]] Cursor read(const Query& query, const ReadOptions& options = {}) const;

  // A cursor over the events of a stream, in the order of their versions or against it.
  [[nodiscard]] Cursor read_stream(std::string_view stream, const StreamReadOptions& options = {}) const;

  // Forward from a token; stale_token if the log it names, or the event it names, is not here any more.
  Result<Cursor> resume(const ResumeToken& token, const ReadOptions& options = {}) const;
  Result<Cursor> resume(const ResumeToken& token, const Query& query, const ReadOptions& options = {}) const;

  // A reader with a name, which goes on where it was left (see consumer.h). Errors: invalid_argument (the name, the query,
  // or another query than the name has), locked (Error::actual is the process), stale_token, corrupt (its file), io.
  Result<Consumer> consumer(std::string_view name, const ConsumerOptions& options = {}) const;

  // Hands events to `handler` in threads of their own (see subscription.h), from now on until it is stopped. Without a name
  // its position is in memory alone. Errors as of consumer().
  Result<Subscription> subscribe(std::string_view name, const SubscriptionOptions& options, EventHandler handler) const;
  Result<Subscription> subscribe(const SubscriptionOptions& options, EventHandler handler) const;

  // The consumers of the store, by name, as they were saved last; also while they are in use. One whose file cannot
  // be read is there with ConsumerInfo::error.
  Result<std::vector<ConsumerInfo>> consumers() const;
  // Of a consumer that is not in use (locked): moves it, as Consumer::reset(); not_found when there is none.
  Result<void> reset_consumer(std::string_view name, const StartAt& start) const;

  // The parked events of a consumer, by position, as saved; also while it is in use.
  Result<std::vector<ParkedEvent>> parked(std::string_view name) const;
  // Of a consumer that is not in use (locked): tries them again, or gives one up, as in subscription.h.
  Result<ReplayReport> replay_parked(std::string_view name, const EventHandler& handler) const;
  Result<void> discard_parked(std::string_view name, Position position) const;

  // How many events match, behind `window.after` and before `window.before`; whether any does; and the position of the
  // first and of the last (0 = none). Of published events. They come from sets alone and touch no event, except where a
  // window of occurred-at times cuts through a segment.
  Result<std::uint64_t> count(const Query& query, const PositionRange& window = {}) const;
  Result<bool> exists(const Query& query, const PositionRange& window = {}) const;
  Result<Position> first(const Query& query, const PositionRange& window = {}) const;
  Result<Position> last(const Query& query, const PositionRange& window = {}) const;

  // The position of the newest event with that id; 0 = none.
  Result<Position> find(const EventId& id) const;

  // The streams, types or tags that begin with `prefix`, with their numbers of events, in the order of their bytes. They
  // cost what there are of the kind.
  Result<std::vector<KeyCount>> streams(std::string_view prefix = {}) const;
  Result<std::vector<KeyCount>> types(std::string_view prefix = {}) const;
  Result<std::vector<KeyCount>> tags(std::string_view prefix = {}) const;

  // Where states are saved and found. Its folder is opened when it is first asked for something. The reference is good as
  // long as the Store; a copy of what it refers to may outlive it. After close(), snapshots can still be read.
  [[nodiscard]] SnapshotStore& snapshots() const;

  // The types that begin with `prefix`, one by one for each schema version that was stored, by name and version. From sets
  // too: it costs what there are of types, times what there are of schema versions.
  Result<std::vector<TypeCount>> types_by_version(std::string_view prefix = {}) const;

  [[nodiscard]] const RecoveryReport& recovery() const;
  Result<StoreInfo> info() const;

  // Syncs, and marks the log as cleanly closed. Appends fail with Errc::closed from then on; what is there can be read.
  Result<void> close();

 private:
  struct Impl;
  explicit Store(std::unique_ptr<Impl> impl);
  friend struct StoreAccess;  // tests open a store over their own io::Directory

  std::unique_ptr<Impl> impl_;
};

}  // namespace daybook
