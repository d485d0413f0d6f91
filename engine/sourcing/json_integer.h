// Integers of any width behind a pointer. By memcpy, because two types of one width (long, long long) may not be
// accessed as each other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>

namespace daybook::json {

template <typename Integer>
Integer load_integer(const void* at) {
  Integer value;
  std::memcpy(&value, at, sizeof(value));
  return value;
}

inline std::int64_t load_signed(const void* at, std::size_t size) {
  switch (size) {
    case 1: return load_integer<std::int8_t>(at);
    case 2: return load_integer<std::int16_t>(at);
    case 4: return load_integer<std::int32_t>(at);
    default: return load_integer<std::int64_t>(at);
  }
}

inline std::uint64_t load_unsigned(const void* at, std::size_t size) {
  switch (size) {
    case 1: return load_integer<std::uint8_t>(at);
    case 2: return load_integer<std::uint16_t>(at);
    case 4: return load_integer<std::uint32_t>(at);
    default: return load_integer<std::uint64_t>(at);
  }
}

// Stores `value` if the integer there can hold it.
template <typename Integer, typename Wide>
bool store_integer(void* at, Wide value) {
  if (value < std::numeric_limits<Integer>::min() || value > std::numeric_limits<Integer>::max()) return false;
  const auto narrow = static_cast<Integer>(value);
  std::memcpy(at, &narrow, sizeof(narrow));
  return true;
}

inline bool store_signed(void* at, std::size_t size, std::int64_t value) {
  switch (size) {
    case 1: return store_integer<std::int8_t>(at, value);
    case 2: return store_integer<std::int16_t>(at, value);
    case 4: return store_integer<std::int32_t>(at, value);
    default: return store_integer<std::int64_t>(at, value);
  }
}

inline bool store_unsigned(void* at, std::size_t size, std::uint64_t value) {
  switch (size) {
    case 1: return store_integer<std::uint8_t>(at, value);
    case 2: return store_integer<std::uint16_t>(at, value);
    case 4: return store_integer<std::uint32_t>(at, value);
    default: return store_integer<std::uint64_t>(at, value);
  }
}

}  // namespace daybook::json
