// Types as the JSON codec sees them: tables that say what a struct is made of. Made by <daybook/sourcing/json.h>, read
// by the library; programs need neither.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <daybook/error.h>
#include <daybook/export.h>
#include <daybook/types.h>

namespace daybook::json {

enum class Kind : std::uint8_t {
  boolean = 1,
  signed_integer = 2,    // Type::size bytes
  unsigned_integer = 3,  // Type::size bytes
  floating = 4,          // float or double, by Type::size
  string = 5,            // std::string
  timestamp = 6,         // daybook::Timestamp
  enumeration = 7,
  optional = 8,
  list = 9,    // std::vector
  array = 10,  // std::array, of Type::size elements
  map = 11,    // std::map or std::unordered_map from std::string
  object = 12,
};

struct Type;

// A member of a struct. `member` turns the address of the struct into that of the member.
struct Field {
  std::string_view name;
  const Type* type = nullptr;
  void* (*member)(void* object) = nullptr;
};

struct Enumerator {
  std::string_view name;
  std::int64_t value = 0;
};

// Called by MapAccess::each for every element, in the order of the keys' bytes. False ends the walk.
using MapVisitor = bool (*)(void* context, std::string_view key, const void* value);

struct EnumAccess {
  std::int64_t (*load)(const void* value) = nullptr;
  void (*store)(void* value, std::int64_t number) = nullptr;
};
struct OptionalAccess {
  const void* (*get)(const void* optional) = nullptr;  // null when it is empty
  void* (*emplace)(void* optional) = nullptr;
  void (*reset)(void* optional) = nullptr;
};
struct ListAccess {
  std::size_t (*size)(const void* list) = nullptr;
  const void* (*at)(const void* list, std::size_t index) = nullptr;
  void (*clear)(void* list) = nullptr;
  void* (*next)(void* list, std::size_t index) = nullptr;  // room for element `index`; null when there is none
};
struct MapAccess {
  void (*clear)(void* map) = nullptr;
  void* (*insert)(void* map, std::string_view key) = nullptr;  // null when the key is there already
  bool (*each)(const void* map, void* context, MapVisitor visit) = nullptr;
};

// A type; which parts are set follows from the kind.
struct Type {
  Kind kind{};
  std::size_t size = 0;
  const Type* element = nullptr;  // of optional, list, array and map
  std::span<const Field> fields{};
  std::span<const Enumerator> enumerators{};
  EnumAccess enumeration{};
  OptionalAccess optional{};
  ListAccess list{};
  MapAccess map{};
};

// How deep objects, lists and maps may be nested in each other, on the way in and out.
inline constexpr int kDepthMax = 64;

// Appends `object`, of an object type, to `out`; on an error `out` is as before.
DAYBOOK_EXPORT Result<void> encode(const Type& type, const void* object, std::string& out);

// Fills `object` from the text of one JSON object.
DAYBOOK_EXPORT Result<void> decode(const Type& type, Bytes bytes, void* object);

// A hash of the names and kinds of all members, at all depths.
DAYBOOK_EXPORT std::uint64_t fingerprint(const Type& type);

}  // namespace daybook::json
