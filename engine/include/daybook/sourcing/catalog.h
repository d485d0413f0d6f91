// The event types that a program knows today, and the way to them from older ones.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <daybook/error.h>
#include <daybook/event.h>
#include <daybook/export.h>
#include <daybook/query.h>
#include <daybook/sourcing/codec.h>
#include <daybook/sourcing/event_set.h>
#include <daybook/sourcing/event_type.h>
#include <daybook/sourcing/upcast_result.h>
#include <daybook/types.h>

namespace daybook {

class Store;

// A type as it is written now.
struct CatalogType {
  StoredType type;
  std::vector<std::string> aliases;
};

// A step from an older form to what it became; without targets, events of that form are dropped.
struct CatalogStep {
  StoredType from;
  std::vector<StoredType> targets;
};

// Events in a store that the catalog has no path for.
struct CatalogGap {
  StoredType type;
  std::uint64_t events = 0;
  Position last_position = 0;
  std::string why;  // "unknown type", "no path to v3"
};

// Which event types there are, and the steps (upcasters) that lead from older forms to them:
//
//   daybook::Catalog catalog;
//   catalog.add<AccountOpened, MoneyDeposited>();                        // AccountOpened is v3 now
//   catalog.upcast<AccountOpenedV1>([](const AccountOpenedV1& old) { return AccountOpenedV2{...}; });
//   catalog.upcast<AccountOpenedV2>([](const AccountOpenedV2& old) { return AccountOpened{...}; });
//   catalog.drop("AccountTouched", 1);
//   if (auto checked = catalog.check(); !checked) ...                    // and once against the store: check(store)
//   daybook::EventDecoder<AccountEvents> decoder(&catalog);
//
// An older form is an event struct of its own, with the name and the schema version that it was stored under. Steps
// chain: each leads one form on, until a form that was added is reached. Between two steps the event is encoded, so
// that each form is what could have been stored. An alias of a type stands for its name, in the forms of all its
// versions.
//
// Thread safety: const members, from any number of threads, once everything is registered. Register before that, from
// one thread. Steps may be called from any thread.
class DAYBOOK_EXPORT Catalog {
 public:
  using Step = std::function<Result<EventForms>(const EventForm& form, const EventView& event)>;

  // What is written now, as the structs say. Adding a type again changes nothing.
  template <EventStruct... Es>
  void add() {
    add(EventSet<Es...>());
  }
  template <EventStruct... Es>
  void add(EventSet<Es...> /*set*/) {
    (add_type(event_type<Es>), ...);
  }

  // The step from the form of From. `upcaster(const From&)`, or `upcaster(const From&, const EventView&)` with the
  // stored event, returns: a struct; a std::optional (empty: the event is dropped); a std::variant (one of several); a
  // std::tuple (split into all of them); a std::vector of any of these (split); or a Result of any.
  template <EventStruct From, typename Upcaster>
  void upcast(Upcaster upcaster);

  // The same without structs: `step` is given an event in the form `from`, and returns events in forms out of
  // `targets`.
  void upcast(const StoredType& from, std::vector<StoredType> targets, Step step);

  // Events of that form are of no use any more.
  void drop(std::string_view type, std::uint32_t schema_version);

  // Whether every step leads on to types that were added. Errors, bad_event, name the form: two steps from one form; a
  // step from a form that is current; two types of one name; a cycle; a target that is neither current nor has a step.
  [[nodiscard]] Result<void> check() const;

  // What is in the store and has no path, by type and schema version; none when all of it can be decoded. By index:
  // costs what there are of types, not of events. Errors: those of check(), and of the store.
  [[nodiscard]] Result<std::vector<CatalogGap>> check(const Store& store) const;

  // The events that decode to one of the structs: of their types, aliases, and all older names that lead to them.
  template <EventStruct... Es>
  [[nodiscard]] Query query() const {
    return expand(Query{.items = {{.types = {std::string(event_type<Es>.name)...}}}});
  }

  // The query with its types widened in that way. An item then finds every stored event that can stand for one of its
  // types, and so a few that turn out not to (an event that is split, or dropped by its content). An exclusion is
  // widened only by older names that lead nowhere else.
  [[nodiscard]] Query expand(Query query) const;

  // The forms that a stored event stands for, all of them current; itself when it is current. Errors: bad_event, which
  // names the event (no path; a step failed, or went where it did not say).
  [[nodiscard]] Result<EventForms> to_current(const EventView& event) const;

  // The version that events of that name, or alias, are written with; nothing: it is no current type.
  [[nodiscard]] std::optional<std::uint32_t> current_version(std::string_view type) const;
  [[nodiscard]] bool has_step(std::string_view type, std::uint32_t schema_version) const;
  // Whether any version of the type leads to one of `types` (current names) through steps.
  [[nodiscard]] bool leads_to(std::string_view type, std::span<const std::string_view> types) const;

  [[nodiscard]] const std::vector<CatalogType>& types() const noexcept { return types_; }
  [[nodiscard]] std::vector<CatalogStep> steps() const;  // by name and version
  void add(const CatalogType& type);

 private:
  struct Edge {
    std::vector<StoredType> targets;
    std::shared_ptr<const Step> step;  // shared by the aliases of a form
  };
  struct Form {
    std::string_view name;
    std::uint32_t schema_version;
  };
  struct Before {
    using is_transparent = void;
    static Form form(const StoredType& type) noexcept { return {type.name, type.schema_version}; }
    static Form form(const Form& form) noexcept { return form; }
    bool operator()(const auto& a, const auto& b) const noexcept {
      const Form x = form(a);
      const Form y = form(b);
      return x.name != y.name ? x.name < y.name : x.schema_version < y.schema_version;
    }
  };
  using Edges = std::map<StoredType, Edge, Before>;
  class Walk;

  void add_type(const EventType& type);
  void add_steps(const EventType& from, std::vector<StoredType> targets, Step step);
  void add_edge(const StoredType& from, Edge edge);
  void note(std::string_view problem);
  [[nodiscard]] const CatalogType* find_type(std::string_view name) const;
  [[nodiscard]] bool is_current(const Form& form) const;
  [[nodiscard]] const Edge* find_edge(const Form& form) const;
  [[nodiscard]] Result<void> advance(EventForm form, const EventView& event, std::size_t steps, EventForms& out) const;
  [[nodiscard]] std::vector<std::string_view> ends_of(std::string_view name) const;
  [[nodiscard]] std::string why_not(const Form& form) const;

  std::vector<CatalogType> types_;
  std::map<std::string, std::size_t, std::less<>> names_;  // and aliases: index into types_
  Edges edges_;
  std::optional<Error> problem_;  // the first that was noticed while registering
};

template <EventStruct From, typename Upcaster>
void Catalog::upcast(Upcaster upcaster) {
  static_assert(Encodable<From>, "the older form has no codec: see <daybook/sourcing/codec.h>");
  constexpr bool takes_view = std::is_invocable_v<const Upcaster&, const From&, const EventView&>;
  static_assert(takes_view || std::is_invocable_v<const Upcaster&, const From&>,
                "an upcaster is called, as const, with (const From&) or (const From&, const EventView&)");
  const auto call = [upcaster = std::move(upcaster)](const From& from, const EventView& event) {
    if constexpr (takes_view) {
      return upcaster(from, event);
    } else {
      return upcaster(from);
    }
  };
  using Returned = std::remove_cvref_t<decltype(call(std::declval<const From&>(), std::declval<const EventView&>()))>;
  add_steps(event_type<From>, UpcastResult<Returned>::targets(),
            [call](const EventForm& form, const EventView& event) -> Result<EventForms> {
              From from{};
              DAYBOOK_TRY(Codec<From>::decode(Bytes(form.payload), from));
              EventForms out;
              DAYBOOK_TRY(UpcastResult<Returned>::append(call(from, event), out));
              return out;
            });
}

}  // namespace daybook
