// What an upcaster may return, and what becomes of it. Used by Catalog::upcast(); programs need it only to look up what
// there is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <daybook/error.h>
#include <daybook/sourcing/codec.h>
#include <daybook/sourcing/event_type.h>

namespace daybook {

// The form of a stored event: what it is called, and the schema version of its payload.
struct StoredType {
  StoredType() = default;
  StoredType(std::string type, std::uint32_t version) : name(std::move(type)), schema_version(version) {}

  std::string name;
  std::uint32_t schema_version = 1;
  friend bool operator==(const StoredType&, const StoredType&) = default;
};

template <EventStruct E>
StoredType stored_type() {
  return {std::string(event_type<E>.name), event_type<E>.schema_version};
}

// An event on its way from the form that it was stored in to the one that the program knows. Stream, version, position,
// metadata, tags, ids and times stay those of the stored event.
struct EventForm {
  StoredType type;
  std::string payload;
};
using EventForms = std::vector<EventForm>;

// For each kind of result: targets(), the forms that it can be, and append(), which adds it to `out`.
template <typename Returned>
struct UpcastResult {
  static_assert(
      EventStruct<Returned>,
      "an upcaster returns an event struct; an optional, variant or tuple of some; a vector of one of those; or "
      "a Result of any of these");
  static_assert(Encodable<Returned>, "the struct that an upcaster returns has no codec");

  static std::vector<StoredType> targets() { return {stored_type<Returned>()}; }
  static Result<void> append(const Returned& event, EventForms& out) {
    EventForm form{.type = stored_type<Returned>(), .payload = {}};
    DAYBOOK_TRY(Codec<Returned>::encode(event, form.payload));
    out.push_back(std::move(form));
    return {};
  }
};

// An empty optional drops the event.
template <typename T>
struct UpcastResult<std::optional<T>> {
  static std::vector<StoredType> targets() { return UpcastResult<T>::targets(); }
  static Result<void> append(const std::optional<T>& event, EventForms& out) {
    return event ? UpcastResult<T>::append(*event, out) : Result<void>();
  }
};

// One of several.
template <typename... Ts>
struct UpcastResult<std::variant<Ts...>> {
  static std::vector<StoredType> targets() { return UpcastResult<std::tuple<Ts...>>::targets(); }
  static Result<void> append(const std::variant<Ts...>& event, EventForms& out) {
    return std::visit([&]<typename T>(const T& held) { return UpcastResult<T>::append(held, out); }, event);
  }
};

// All of them, in this order.
template <typename... Ts>
struct UpcastResult<std::tuple<Ts...>> {
  static std::vector<StoredType> targets() {
    std::vector<StoredType> all;
    const auto add = [&](std::vector<StoredType> some) { all.insert(all.end(), some.begin(), some.end()); };
    (add(UpcastResult<Ts>::targets()), ...);
    return all;
  }
  static Result<void> append(const std::tuple<Ts...>& events, EventForms& out) {
    Result<void> result;
    std::apply([&](const Ts&... each) { (void)((result = UpcastResult<Ts>::append(each, out)).has_value() && ...); },
               events);
    return result;
  }
};

// As many as there are, in this order; none drops the event.
template <typename T>
struct UpcastResult<std::vector<T>> {
  static std::vector<StoredType> targets() { return UpcastResult<T>::targets(); }
  static Result<void> append(const std::vector<T>& events, EventForms& out) {
    for (const T& event : events) DAYBOOK_TRY(UpcastResult<T>::append(event, out));
    return {};
  }
};

// An error ends the decoding of the event.
template <typename T>
struct UpcastResult<Result<T>> {
  static std::vector<StoredType> targets() { return UpcastResult<T>::targets(); }
  static Result<void> append(const Result<T>& event, EventForms& out) {
    return event ? UpcastResult<T>::append(*event, out) : Result<void>(fail(event.error()));
  }
};

}  // namespace daybook
