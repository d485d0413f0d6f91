#include "format/condition.h"

#include <algorithm>
#include <string>
#include <vector>

namespace daybook::format {
namespace {

// --- writing

std::uint64_t keys_size(const std::vector<std::string>& keys) noexcept {
  std::uint64_t size = 0;
  for (const std::string& key : keys) size += 1 + key.size();
  return size;
}

std::uint64_t items_size(const std::vector<QueryItem>& items) noexcept {
  std::uint64_t size = 0;
  for (const QueryItem& item : items) {
    size += 3 * sizeof(std::uint16_t) + keys_size(item.streams) + keys_size(item.types) + keys_size(item.tags);
  }
  return size;
}

std::uint64_t condition_size(const Query& query) noexcept {
  return align_up(sizeof(ConditionEntry) + items_size(query.items) + items_size(query.except));
}

template <typename T>
std::byte* put(std::byte* at, const T& value) noexcept {
  std::memcpy(at, &value, sizeof(value));
  return at + sizeof(value);
}

std::byte* put_keys(std::byte* at, const std::vector<std::string>& keys) noexcept {
  for (const std::string& key : keys) {
    *at++ = static_cast<std::byte>(key.size());
    std::memcpy(at, key.data(), key.size());
    at += key.size();
  }
  return at;
}

std::byte* put_items(std::byte* at, const std::vector<QueryItem>& items) noexcept {
  for (const QueryItem& item : items) {
    at = put(at, static_cast<std::uint16_t>(item.streams.size()));
    at = put(at, static_cast<std::uint16_t>(item.types.size()));
    at = put(at, static_cast<std::uint16_t>(item.tags.size()));
    at = put_keys(put_keys(put_keys(at, item.streams), item.types), item.tags);
  }
  return at;
}

std::byte* put_condition(std::byte* at, const AppendCondition& condition) noexcept {
  const Query& query = condition.fail_if;
  const std::uint64_t size = condition_size(query);
  ConditionEntry entry{};
  entry.after = condition.after;
  entry.size = static_cast<std::uint32_t>(size);
  entry.items = static_cast<std::uint16_t>(query.items.size());
  entry.except = static_cast<std::uint16_t>(query.except.size());
  const std::array windows{query.recorded_from, query.recorded_before, query.occurred_from, query.occurred_before};
  for (std::size_t i = 0; i < windows.size(); ++i) {
    if (!windows[i]) continue;
    entry.windows |= static_cast<std::uint8_t>(1u << i);
    entry.window[i] = windows[i]->time_since_epoch().count();
  }
  put_items(put_items(put(at, entry), query.items), query.except);
  return at + size;
}

// --- checking

// Walks bytes of which nothing is known but where they end.
class Walk {
 public:
  Walk(const std::byte* at, std::uint64_t room) noexcept : at_(at), room_(room) {}

  template <typename T>
  bool take(T& value) noexcept {
    if (sizeof(T) > room_) return false;
    std::memcpy(&value, at_, sizeof(T));
    return skip(sizeof(T));
  }
  bool skip(std::uint64_t size) noexcept {
    if (size > room_) return false;
    at_ += size;
    room_ -= size;
    return true;
  }
  [[nodiscard]] std::uint64_t room() const noexcept { return room_; }
  [[nodiscard]] bool all_zero() const noexcept {
    return std::all_of(at_, at_ + room_, [](std::byte byte) { return byte == std::byte{0}; });
  }

 private:
  const std::byte* at_;
  std::uint64_t room_;
};

bool take_item(Walk& walk, std::uint64_t& keys) noexcept {
  std::array<std::uint16_t, 3> counts{};
  if (!walk.take(counts)) return false;
  const std::uint32_t count = std::uint32_t{counts[0]} + counts[1] + counts[2];
  keys += count;
  if (count == 0 || keys > kQueryKeysMax) return false;
  for (std::uint32_t i = 0; i < count; ++i) {
    std::uint8_t size = 0;
    if (!walk.take(size) || size == 0 || !walk.skip(size)) return false;
  }
  return true;
}

const char* condition_flaw(const std::byte* at, const ConditionEntry& entry) noexcept {
  const std::uint32_t items = std::uint32_t{entry.items} + entry.except;
  if (items > kQueryItemsMax) return "items of a condition";
  if (entry.windows > 0xf || std::ranges::any_of(entry.zero, [](std::uint8_t byte) { return byte != 0; })) {
    return "windows of a condition";
  }
  for (std::size_t i = 0; i < entry.window.size(); ++i) {
    if ((entry.windows >> i & 1) == 0 && entry.window[i] != 0) return "windows of a condition";
  }
  Walk walk(at + sizeof(entry), entry.size - sizeof(entry));
  std::uint64_t keys = 0;
  for (std::uint32_t i = 0; i < items; ++i) {
    if (!take_item(walk, keys)) return "items of a condition";
  }
  return walk.room() < kAlign && walk.all_zero() ? nullptr : "condition size";
}

}  // namespace

std::uint64_t block_size(const ConditionBlock& block) noexcept {
  std::uint64_t size = sizeof(ConditionHeader);
  for (const AppendCondition& condition : block.conditions) size += condition_size(condition.fail_if);
  return size;
}

std::byte* fill_block(std::byte* at, const ConditionBlock& block) noexcept {
  at = put(at, ConditionHeader{.looked = block.looked.packed(),
                               .flags = block.unique_ids ? kUniqueIds : 0u,
                               .conditions = static_cast<std::uint32_t>(block.conditions.size())});
  for (const AppendCondition& condition : block.conditions) at = put_condition(at, condition);
  return at;
}

StoredItems::Iterator::Parsed StoredItems::Iterator::parse() const noexcept {
  std::array<std::uint16_t, 3> counts;
  std::memcpy(counts.data(), at_, sizeof(counts));
  std::array<TagsView, 3> keys;
  const char* at = at_ + sizeof(counts);
  for (std::size_t part = 0; part < keys.size(); ++part) {
    const char* const start = at;
    for (std::uint32_t i = 0; i < counts[part]; ++i) at += 1 + static_cast<std::uint8_t>(*at);
    keys[part] = TagsView({start, static_cast<std::size_t>(at - start)}, counts[part]);
  }
  return {{keys[0], keys[1], keys[2]}, at};
}

StoredCondition StoredBlock::read(const std::byte* at) noexcept {
  const auto& entry = *reinterpret_cast<const ConditionEntry*>(at);
  const auto window = [&entry](std::size_t i) -> std::optional<Timestamp> {
    if ((entry.windows >> i & 1) == 0) return std::nullopt;
    return Timestamp(std::chrono::nanoseconds(entry.window[i]));
  };
  StoredCondition condition{.after = entry.after,
                            .items = {reinterpret_cast<const char*>(at + sizeof(entry)), entry.items},
                            .except = {},
                            .recorded_from = window(0),
                            .recorded_before = window(1),
                            .occurred_from = window(2),
                            .occurred_before = window(3)};
  if (entry.except == 0) return condition;
  StoredItems::Iterator behind = condition.items.begin();
  for (std::uint32_t i = 0; i < entry.items; ++i) ++behind;
  condition.except = {behind.at(), entry.except};
  return condition;
}

const char* block_flaw(const std::byte* frame, std::uint64_t size, std::uint64_t end, bool* unknown_flag) noexcept {
  if (size < end + sizeof(ConditionHeader) + sizeof(BlockPlace)) return "place of the conditions";
  BlockPlace place;
  std::memcpy(&place, frame + size - sizeof(place), sizeof(place));
  if (place.offset % kAlign != 0 || place.offset < end || place.offset - end >= kAlign ||
      std::uint64_t{place.offset} + place.size + sizeof(place) != size || place.size < sizeof(ConditionHeader)) {
    return "place of the conditions";
  }
  const std::byte* at = frame + place.offset;
  std::uint64_t room = place.size - sizeof(ConditionHeader);
  const auto& header = *reinterpret_cast<const ConditionHeader*>(at);
  if ((header.flags & ~std::uint32_t{kUniqueIds}) != 0) *unknown_flag = true;
  if (header.conditions > kAppendConditionsMax) return "number of conditions";
  if (Address::unpack(header.looked).offset % kAlign != 0) return "what the conditions were checked up to";
  at += sizeof(header);
  for (std::uint32_t i = 0; i < header.conditions; ++i) {
    if (room < sizeof(ConditionEntry)) return "condition size";
    const auto& entry = *reinterpret_cast<const ConditionEntry*>(at);
    if (entry.size % kAlign != 0 || entry.size < sizeof(entry) || entry.size > room) return "condition size";
    if (const char* const flaw = condition_flaw(at, entry)) return flaw;
    at += entry.size;
    room -= entry.size;
  }
  return room == 0 ? nullptr : "size of the conditions";
}

}  // namespace daybook::format
