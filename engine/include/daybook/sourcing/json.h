// JSON for described structs. Link daybook::sourcing; Boost.Describe (headers only, 1.77 or newer) describes the structs:
//
//   struct MoneyDeposited {
//     static constexpr daybook::EventType kEventType{.name = "MoneyDeposited", .schema_version = 2};
//     std::int64_t cents = 0;
//     std::optional<std::string> note;
//   };
//   BOOST_DESCRIBE_STRUCT(MoneyDeposited, (), (cents, note))
//
// Including this header makes Codec<MoneyDeposited> the codec that writes {"cents":1250,"note":"rent"}.
//
// Members, inherited ones too, may be bool; every integer type but the character types; float and double; std::string;
// Timestamp; an enum described with BOOST_DESCRIBE_ENUM; another described struct; and std::optional, std::vector,
// std::array, std::map and std::unordered_map (from std::string) of these.
//
// What is written:
// - every member under its name, in the order of the description; of optionals only those that have a value
// - integers exactly, all 64 bits of them; floats in the fewest digits that read back as the same number
// - strings as UTF-8; enums by name; timestamps in RFC 3339, "2026-11-25T20:40:48.5Z", to the nanosecond; maps in the
//   order of their keys
// What is read is checked to the last byte; each of these is Errc::bad_event and names the field,
// "owner.address[2].zip":
// - a field that the struct does not have, or has had already; anything behind the object; nesting beyond 64
// - a field that is missing, unless it is an optional. A default member value does not make a field optional: a payload
//   without it is one of an older schema version, and what it means should be written down in an upcaster
// - another type than the member's, null too unless it is an optional
// - a number that the member cannot hold exactly: out of range, with a fraction or an exponent where an integer is
//   expected; an integer that a double does not have. Other decimal fractions are rounded to the nearest
// - text that is not UTF-8; an enumerator that the enum does not have; a time that is not UTC ("Z")
// Writing fails alike for strings that are not UTF-8, numbers that are not finite, and enums without a name.
//
// The fingerprint covers names and kinds of all members. Thread safety: any thread; each keeps a buffer of the size of
// its largest payload (of 1 MiB at most).
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include <boost/describe.hpp>

#include <daybook/error.h>
#include <daybook/sourcing/codec.h>
#include <daybook/sourcing/json_type.h>
#include <daybook/types.h>

namespace daybook::json {

template <typename T>
concept DescribedStruct = std::is_class_v<T> && boost::describe::has_describe_members<T>::value;

template <typename T>
concept DescribedEnum = std::is_enum_v<T> && boost::describe::has_describe_enumerators<T>::value;

template <typename T>
concept CharacterType = std::same_as<T, char> || std::same_as<T, wchar_t> || std::same_as<T, char8_t> ||
    std::same_as<T, char16_t> || std::same_as<T, char32_t>;

template <typename T>
concept Integer = std::integral<T> && !std::same_as<T, bool> && !CharacterType<T> && sizeof(T) <= 8;

// What `TypeOf<T>::value` is for the member types above; without a value for all others.
template <typename T>
struct TypeOf {
  static_assert(!std::same_as<T, std::string_view>,
                "a std::string_view member would point into bytes that are gone: use std::string");
  static_assert(!std::is_pointer_v<T> && !std::is_reference_v<T>, "a pointer cannot be stored: use the value itself");
  static_assert(!CharacterType<T>, "a character is no number: use std::string, std::int8_t or std::uint8_t");
  static_assert(!std::is_enum_v<T> || DescribedEnum<T>, "describe the enum: BOOST_DESCRIBE_ENUM(Name, one, two)");
  static_assert(
      !std::is_class_v<T> || std::same_as<T, std::string_view>,
      "no JSON for this member type: describe the struct, or see <daybook/sourcing/json.h> for what there is");
};

template <>
struct TypeOf<bool> {
  static constexpr Type value{.kind = Kind::boolean, .size = sizeof(bool)};
};

template <Integer T>
struct TypeOf<T> {
  static constexpr Type value{.kind = std::is_signed_v<T> ? Kind::signed_integer : Kind::unsigned_integer,
                              .size = sizeof(T)};
};

template <typename T>
requires std::same_as<T, float> || std::same_as<T, double>
struct TypeOf<T> {
  static constexpr Type value{.kind = Kind::floating, .size = sizeof(T)};
};

template <>
struct TypeOf<std::string> {
  static constexpr Type value{.kind = Kind::string};
};

template <>
struct TypeOf<Timestamp> {
  static constexpr Type value{.kind = Kind::timestamp};
};

template <DescribedEnum E>
struct TypeOf<E> {
  static std::int64_t load(const void* value) { return static_cast<std::int64_t>(*static_cast<const E*>(value)); }
  static void store(void* value, std::int64_t number) { *static_cast<E*>(value) = static_cast<E>(number); }

  static constexpr auto enumerators = []<template <class...> class List, typename... Ds>(List<Ds...>) {
    return std::array<Enumerator, sizeof...(Ds)>{Enumerator{Ds::name, static_cast<std::int64_t>(Ds::value)}...};
  }(boost::describe::describe_enumerators<E>());

  static constexpr Type value{
      .kind = Kind::enumeration, .enumerators = enumerators, .enumeration = {.load = load, .store = store}};
};

// The tables of types with parts are not constexpr members, whose use would need the part to be complete: a struct may
// have a vector of itself.

template <typename T>
inline constexpr bool kIsOptional = false;
template <typename T>
inline constexpr bool kIsOptional<std::optional<T>> = true;

template <typename T>
struct TypeOf<std::optional<T>> {
  static_assert(!kIsOptional<T>, "null cannot say which optional of two is empty");

  static const void* get(const void* at) {
    const auto& optional = *static_cast<const std::optional<T>*>(at);
    return optional ? &*optional : nullptr;
  }
  static void* emplace(void* at) { return &static_cast<std::optional<T>*>(at)->emplace(); }
  static void reset(void* at) { static_cast<std::optional<T>*>(at)->reset(); }

  static const Type value;
};

template <typename T>
constinit const Type TypeOf<std::optional<T>>::value{
    .kind = Kind::optional, .element = &TypeOf<T>::value, .optional = {.get = get, .emplace = emplace, .reset = reset}};

template <typename T, typename Allocator>
struct TypeOf<std::vector<T, Allocator>> {
  static_assert(!std::same_as<T, bool>, "std::vector<bool> has no elements to point at: use std::vector<std::uint8_t>");
  static_assert(!std::same_as<T, std::byte>,
                "JSON has no bytes: encode them as text, or store the struct with another codec");
  using List = std::vector<T, Allocator>;

  static std::size_t size(const void* list) { return static_cast<const List*>(list)->size(); }
  static const void* at(const void* list, std::size_t index) { return static_cast<const List*>(list)->data() + index; }
  static void clear(void* list) { static_cast<List*>(list)->clear(); }
  static void* next(void* list, std::size_t) { return &static_cast<List*>(list)->emplace_back(); }

  static const Type value;
};

template <typename T, typename Allocator>
constinit const Type TypeOf<std::vector<T, Allocator>>::value{
    .kind = Kind::list, .element = &TypeOf<T>::value, .list = {.size = size, .at = at, .clear = clear, .next = next}};

template <typename T, std::size_t N>
struct TypeOf<std::array<T, N>> {
  using List = std::array<T, N>;

  static std::size_t size(const void*) { return N; }
  static const void* at(const void* list, std::size_t index) { return static_cast<const List*>(list)->data() + index; }
  static void clear(void*) {}
  static void* next(void* list, std::size_t index) {
    return index < N ? static_cast<List*>(list)->data() + index : nullptr;
  }

  static const Type value;
};

template <typename T, std::size_t N>
constinit const Type TypeOf<std::array<T, N>>::value{.kind = Kind::array,
                                                     .size = N,
                                                     .element = &TypeOf<T>::value,
                                                     .list = {.size = size, .at = at, .clear = clear, .next = next}};

template <typename Map>
struct TypeOfMap {
  using T = typename Map::mapped_type;

  static void clear(void* map) { static_cast<Map*>(map)->clear(); }
  static void* insert(void* map, std::string_view key) {
    const auto [at, inserted] = static_cast<Map*>(map)->try_emplace(std::string(key));
    return inserted ? &at->second : nullptr;
  }
  static bool each(const void* map, void* context, MapVisitor visit) {
    std::vector<const typename Map::value_type*> elements;
    for (const auto& element : *static_cast<const Map*>(map)) elements.push_back(&element);
    std::sort(elements.begin(), elements.end(), [](const auto* a, const auto* b) { return a->first < b->first; });
    return std::all_of(elements.begin(), elements.end(),
                       [&](const auto* element) { return visit(context, element->first, &element->second); });
  }

  static const Type value;
};

template <typename Map>
constinit const Type TypeOfMap<Map>::value{
    .kind = Kind::map, .element = &TypeOf<T>::value, .map = {.clear = clear, .insert = insert, .each = each}};

template <typename T, typename Less, typename Allocator>
struct TypeOf<std::map<std::string, T, Less, Allocator>> : TypeOfMap<std::map<std::string, T, Less, Allocator>> {};

template <typename T, typename Hash, typename Equal, typename Allocator>
struct TypeOf<std::unordered_map<std::string, T, Hash, Equal, Allocator>>
    : TypeOfMap<std::unordered_map<std::string, T, Hash, Equal, Allocator>> {};

// The described members of a struct and its bases.
template <typename T>
using MembersOf =
    boost::describe::describe_members<T, boost::describe::mod_any_access | boost::describe::mod_inherited>;

template <DescribedStruct T>
struct TypeOf<T> {
  static_assert(std::default_initializable<T>, "a struct is made first and filled then: give it a default constructor");

  // The described pointer may be one to a member of a base.
  template <typename D>
  static void* member(void* object) {
    return &(static_cast<T*>(object)->*D::pointer);
  }
  template <typename D>
  using MemberType = std::remove_cvref_t<decltype(std::declval<T&>().*D::pointer)>;

  static const Type value;
};

template <typename T>
struct FieldsOf;

template <template <class...> class List, typename... Ds>
consteval bool has_distinct_names(List<Ds...>) {
  const std::array<std::string_view, sizeof...(Ds)> names{Ds::name...};
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (std::find(names.begin(), names.begin() + i, names[i]) != names.begin() + i) return false;
  }
  return true;
}

inline constexpr std::size_t kFieldsMax = 256;

template <typename T>
struct FieldsOf {
  static_assert(has_distinct_names(MembersOf<T>()), "a struct and its bases describe two members of the same name");

  static constexpr auto value = []<template <class...> class List, typename... Ds>(List<Ds...>) {
    static_assert(sizeof...(Ds) <= kFieldsMax, "a struct may have 256 members");
    return std::array<Field, sizeof...(Ds)>{Field{Ds::name, &TypeOf<typename TypeOf<T>::template MemberType<Ds>>::value,
                                                  &TypeOf<T>::template member<Ds>}...};
  }(MembersOf<T>());
};

template <DescribedStruct T>
constinit const Type TypeOf<T>::value{.kind = Kind::object, .fields = FieldsOf<T>::value};

}  // namespace daybook::json

namespace daybook {

// The codec of described structs; see the top of this file.
template <typename T>
requires json::DescribedStruct<T>
struct Codec<T> {
  static Result<void> encode(const T& value, std::string& out) {
    return json::encode(json::TypeOf<T>::value, &value, out);
  }
  static Result<void> decode(Bytes bytes, T& value) { return json::decode(json::TypeOf<T>::value, bytes, &value); }
  static std::uint64_t fingerprint() {
    static const std::uint64_t value = json::fingerprint(json::TypeOf<T>::value);
    return value;
  }
};

}  // namespace daybook
