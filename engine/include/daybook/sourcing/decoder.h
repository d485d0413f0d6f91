// From stored events to event structs.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <daybook/error.h>
#include <daybook/event.h>
#include <daybook/export.h>
#include <daybook/sourcing/catalog.h>
#include <daybook/sourcing/codec.h>
#include <daybook/sourcing/event_set.h>
#include <daybook/sourcing/event_type.h>
#include <daybook/types.h>

namespace daybook {

// GCC 12 takes an enumerator of a scoped enum for a hidden `daybook::fail`.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
// What to do with an event whose type is not in the set.
enum class UnknownEvents : std::uint8_t {
  fail = 0,  // Errc::bad_event: the default, because an event that is overlooked is a wrong state
  skip = 1,  // for readers of a part of the events. Of a type that is in the set, no version is ever skipped
};
#pragma GCC diagnostic pop

// Completes an error about the payload or the form of an event with the event that it is about:
// "stream account-1 @ version 7 (position 123): MoneyDeposited v2: field cents = 1e3: an integer is needed".
DAYBOOK_EXPORT Error about_event(const EventView& event, std::string_view rule, std::string_view detail = {});

template <typename Set>
class EventDecoder;

// Decodes stored events into the structs of a set, and calls a visitor with each:
//
//   daybook::EventDecoder<AccountEvents> decoder;
//   auto decoded = decoder.decode(event, [&](const auto& e, const daybook::EventView& stored) { account.apply(e); });
//
// The type is found by comparing names, sizes first; the struct is made anew for each event and decoded by its Codec;
// no allocation besides those of the struct. Events of other forms (older schema versions, replaced types) go through
// the catalog. Thread safety: any number of threads at a time. Lifetime: the catalog, if there is one, outlives the
// decoder.
template <EventStruct... Es>
class EventDecoder<EventSet<Es...>> {
  static_assert((Encodable<Es> && ...), "an event struct has no codec: see <daybook/sourcing/codec.h>");
  static_assert(sizeof(EventSet<Es...>) != 0);  // checks the names

 public:
  explicit EventDecoder(const Catalog* catalog = nullptr) noexcept : catalog_(catalog) {}

  // Calls `visit(const E&, const EventView&)` for every struct that the event stands for, in order, and returns how
  // many there were: one; none when an upcaster drops the event or its type is skipped; several when one splits it. The
  // view is that of the stored event: its metadata, tags, ids and times are untouched by upcasters.
  //
  // The visitor returns nothing, or a Result<void> whose error ends the call and is returned as it is. Other errors are
  // bad_event, and name the event: the type is not in the set (but see `unknown`); there is no path from its schema
  // version to the one declared; the payload does not decode.
  template <typename Visitor>
  Result<std::size_t> decode(const EventView& event, Visitor&& visit,
                             UnknownEvents unknown = UnknownEvents::fail) const {
    Result<std::size_t> result{0};
    if ((decode_current<Es>(event, event.type, event.schema_version, event.payload, visit, result) || ...))
      return result;
    decode_older(event, visit, unknown, result);
    return result;
  }

 private:
  // EventType::is_called, with sizes that the compiler knows: no call of memcmp, and nothing for aliases that are not
  // there.
  template <typename E>
  static bool is_called(std::string_view type) noexcept {
    constexpr EventType declared = event_type<E>;
    constexpr std::string_view name = declared.name;
    if (type.size() == name.size() && std::memcmp(type.data(), name.data(), name.size()) == 0) return true;
    if constexpr (has_aliases<E>()) return declared.is_called(type);
    return false;
  }

  static constexpr std::array<std::string_view, sizeof...(Es)> kNames{event_type<Es>.name...};

  static constexpr bool is_member(std::string_view type) { return (event_type<Es>.is_called(type) || ...); }

  // False: it is not an E as it is written now.
  template <typename E, typename Visitor>
  static bool decode_current(const EventView& event, std::string_view type, std::uint32_t schema_version, Bytes payload,
                             Visitor& visit, Result<std::size_t>& result) {
    constexpr EventType declared = event_type<E>;
    if (schema_version != declared.schema_version || !is_called<E>(type)) return false;
    visit_payload<E>(event, payload, visit, result);
    return true;
  }

  // What takes the catalog, and what fails.
  template <typename Visitor>
  [[gnu::noinline]] void decode_older(const EventView& event, Visitor& visit, UnknownEvents unknown,
                                      Result<std::size_t>& result) const {
    if (catalog_ == nullptr || !catalog_->has_step(event.type, event.schema_version)) {
      if (auto error = unless_unknown(event, unknown)) result = daybook::fail(*error);
      return;
    }
    // Whose steps lead elsewhere is nobody's business here: they need not even work.
    if (unknown == UnknownEvents::skip && !is_member(event.type) && !catalog_->leads_to(event.type, kNames)) return;
    const auto forms = catalog_->to_current(event);
    if (!forms) {
      result = daybook::fail(forms.error());
      return;
    }
    for (const EventForm& form : *forms) {
      const Bytes payload(form.payload);
      const std::uint32_t schema_version = form.type.schema_version;
      const bool decoded = (decode_current<Es>(event, form.type.name, schema_version, payload, visit, result) || ...);
      if (!decoded && (unknown == UnknownEvents::fail || is_member(form.type.name))) {
        const std::string as = form.type.name + " v" + std::to_string(schema_version);
        result = daybook::fail(about_event(event, "type is not in the event set", as));
      }
      if (!result) return;
    }
  }

  // The error of an event that there is no way for; nothing when it may be skipped.
  [[nodiscard]] std::optional<Error> unless_unknown(const EventView& event, UnknownEvents unknown) const {
    std::uint32_t declared = 0;
    const bool member =
        ((event_type<Es>.is_called(event.type) && ((declared = event_type<Es>.schema_version), true)) || ...);
    if (member) return about_event(event, "no path to v" + std::to_string(declared));
    if (catalog_ != nullptr && catalog_->leads_to(event.type, kNames)) {
      return about_event(event, "no step from this version");
    }
    if (unknown == UnknownEvents::fail) return about_event(event, "type is not in the event set");
    return std::nullopt;
  }

  template <typename E, typename Visitor>
  static void visit_payload(const EventView& event, Bytes payload, Visitor& visit, Result<std::size_t>& result) {
    E decoded{};
    if (Result<void> read = Codec<E>::decode(payload, decoded); !read) [[unlikely]] {
      result = daybook::fail(about_event(event, read.error().what, read.error().detail.view()));
      return;
    }
    using Returned = std::invoke_result_t<Visitor&, const E&, const EventView&>;
    if constexpr (std::is_void_v<Returned>) {
      visit(std::as_const(decoded), event);
    } else {
      static_assert(std::same_as<Returned, Result<void>>, "a visitor returns nothing or a Result<void>");
      if (Returned visited = visit(std::as_const(decoded), event); !visited) [[unlikely]] {
        result = daybook::fail(visited.error());
        return;
      }
    }
    ++*result;
  }

  const Catalog* catalog_;
};

}  // namespace daybook
