// Events as they go in (NewEvent) and as they come out (EventView).
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>

#include <daybook/types.h>

namespace daybook {

// The tags of a new event: a view of strings, given as {"a", "b"} or as any contiguous range of string_view. A braced list
// lives to the end of the expression that it stands in: write it in the append call itself. An event in a variable takes
// its tags from an array that lives as long: std::array<std::string_view, 2> tags{"a", "b"};
class Tags {
 public:
  constexpr Tags() noexcept = default;
  constexpr Tags(std::initializer_list<std::string_view> tags) noexcept : tags_(tags.begin(), tags.size()) {}
  constexpr Tags(std::span<const std::string_view> tags) noexcept : tags_(tags) {}

  [[nodiscard]] constexpr auto begin() const noexcept { return tags_.begin(); }
  [[nodiscard]] constexpr auto end() const noexcept { return tags_.end(); }
  [[nodiscard]] constexpr std::size_t size() const noexcept { return tags_.size(); }
  [[nodiscard]] constexpr bool empty() const noexcept { return tags_.empty(); }

 private:
  std::span<const std::string_view> tags_;
};

// An event to append. Views, not copies: everything it points to must live until append returns.
struct NewEvent {
  std::string_view type;                   // 1..255 bytes, e.g. "MoneyDeposited"
  Bytes payload{};                         // opaque to the log; 0 .. OpenOptions::payload_size_max bytes
  std::uint32_t schema_version = 1;        // of the payload, for upcasting
  Bytes metadata{};                        // opaque: correlation, causation, actor ...
  Tags tags{};                             // up to 64
  std::optional<EventId> id{};             // for idempotence, and for look-up
  std::optional<Timestamp> occurred_at{};  // when it happened; unset = when it was recorded
};

// The tags of a stored event: a forward range of string_view over the stored bytes.
class TagsView {
 public:
  class Iterator {
   public:
    using value_type = std::string_view;
    using difference_type = std::ptrdiff_t;
    constexpr Iterator() noexcept = default;
    constexpr explicit Iterator(const char* at) noexcept : at_(at) {}
    std::string_view operator*() const noexcept { return {at_ + 1, static_cast<std::uint8_t>(*at_)}; }
    Iterator& operator++() noexcept {
      at_ += 1 + static_cast<std::uint8_t>(*at_);
      return *this;
    }
    Iterator operator++(int) noexcept {
      Iterator before = *this;
      ++*this;
      return before;
    }
    friend bool operator==(const Iterator&, const Iterator&) = default;

   private:
    const char* at_ = nullptr;
  };

  constexpr TagsView() noexcept = default;
  // `bytes` is `count` times (length byte, that many bytes), checked by whoever made the view.
  constexpr TagsView(std::string_view bytes, std::size_t count) noexcept : bytes_(bytes), count_(count) {}

  [[nodiscard]] Iterator begin() const noexcept { return Iterator(bytes_.data()); }
  [[nodiscard]] Iterator end() const noexcept { return Iterator(bytes_.data() + bytes_.size()); }
  [[nodiscard]] constexpr std::size_t size() const noexcept { return count_; }
  [[nodiscard]] constexpr bool empty() const noexcept { return count_ == 0; }

 private:
  std::string_view bytes_;
  std::size_t count_ = 0;
};

// An event read from the log. Zero-copy: every view points into the mapped segment. The EventView itself is
// valid until the cursor moves; the bytes it points to, until the cursor that returned it is destroyed or has
// moved on to another segment. Copy what must live longer.
struct EventView {
  Position position = 0;
  Version version = 0;
  Timestamp recorded_at{};  // when the log took it: never decreases with position
  Timestamp occurred_at{};  // as given, or recorded_at
  std::string_view stream;
  std::string_view type;
  std::uint32_t schema_version = 0;
  Bytes payload;  // its first byte is 8-aligned in memory
  Bytes metadata;
  TagsView tags;
  const EventId* id = nullptr;   // null when the event has none
  bool has_occurred_at = false;  // false: occurred_at was not given
};

}  // namespace daybook
