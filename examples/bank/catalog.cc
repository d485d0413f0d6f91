#include <cmath>

#include "events.h"

namespace bank {

const daybook::Catalog& catalog() {
  static const daybook::Catalog catalog = [] {
    daybook::Catalog known;
    known.add(Events());
    known.upcast<AccountCreatedV1>([](const AccountCreatedV1& old) {
      return AccountOpened{.owner = old.owner, .cents = std::llround(old.initial_balance * 100)};
    });
    return known;
  }();
  return catalog;
}

}  // namespace bank
