// The small excerpts of the README, so that they compile. readme_test.cc looks for them here; they are not run.
#include <daybook/daybook.h>

namespace {

daybook::Result<void> send_welcome(const daybook::EventView& /*event*/) { return {}; }

[[maybe_unused]] void excerpts(daybook::Store* store) {
  // clang-format off
  auto moved = store->read(daybook::Query{.items = {{.types = {"MoneyDeposited", "MoneyWithdrawn"}, .tags = {"branch:12"}}}});
  auto newest = store->read_stream("account-1", {.direction = daybook::Direction::backward, .limit = 10});
  auto opened = store->count(daybook::Query::type("AccountOpened"));   // no event is read for it

  auto registered = store->append("user-7", daybook::Expect::any(), {{.type = "Registered", .tags = {"name:ada"}}},
                                  {.fail_if = daybook::Query::tag("name:ada")});  // condition_failed: the name is taken

  auto mails = store->subscribe("mails", {.consumer = {.query = daybook::Query::type("Registered")}, .workers = 4},
                                [](const daybook::EventView& event) { return send_welcome(event); });
  // clang-format on
  static_cast<void>(opened);
  static_cast<void>(registered);
}

}  // namespace
