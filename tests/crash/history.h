// What a log must hold: kept by the test beside the store, and compared with what is left after a crash.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <daybook/event.h>
#include <daybook/types.h>

namespace daybook::test {

// An event with everything in it, none of it the same as in another event.
struct StoredEvent {
  StoredEvent(std::uint64_t seed, std::uint64_t serial, std::string stream, std::size_t payload_size);

  // Views of this object, which must stay where it is.
  [[nodiscard]] NewEvent as_new();
  // Nothing when they are the same; else what differs.
  [[nodiscard]] std::optional<std::string> difference(const EventView& found) const;

  std::string stream;
  std::string type;
  std::string payload;
  std::string metadata;
  std::vector<std::string> tags;
  std::vector<std::string_view> tag_views;
  std::optional<EventId> id;
  std::uint32_t schema_version = 1;
  Version version = 0;        // assigned when it is added to a history
  std::size_t frame_end = 0;  // how many events there are up to the end of its frame
};

// The events in the order of the log, and how many of them are acknowledged in which way.
// Thread safety: the counts may be read at any time; the rest is the test thread's.
class History {
 public:
  // What a moment promises: at least `durable` after a power cut, at least `published` after SIGKILL, at most
  // `attempted` whatever happens.
  struct Bounds {
    std::size_t durable = 0;
    std::size_t published = 0;
    std::size_t attempted = 0;
  };

  // One append is about to be made / has been acknowledged as visible / was refused: the last `events` are not in the log.
  void attempt(std::vector<StoredEvent> frame);
  void publish() { published_.store(events_.size()); }
  void refuse(std::size_t events);
  // Everything published is durable.
  void sync() { durable_.store(published_.load()); }
  // Only the first n events have survived; those are durable.
  void truncate(std::size_t n);

  [[nodiscard]] Version version(std::string_view stream) const;
  [[nodiscard]] const std::map<std::string, Version, std::less<>>& heads() const { return heads_; }
  [[nodiscard]] const std::vector<StoredEvent>& events() const { return events_; }

  // The lower bounds first, the upper one afterwards: see before() and after().
  [[nodiscard]] Bounds before() const { return {durable_.load(), published_.load(), 0}; }
  [[nodiscard]] Bounds after(Bounds bounds) const {
    bounds.attempted = attempted_.load();
    return bounds;
  }

 private:
  std::vector<StoredEvent> events_;  // the last ones may be only attempted
  std::map<std::string, Version, std::less<>> heads_;
  std::atomic<std::size_t> durable_ = 0;
  std::atomic<std::size_t> published_ = 0;
  std::atomic<std::size_t> attempted_ = 0;
};

}  // namespace daybook::test
