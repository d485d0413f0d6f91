// A program of somebody else: appends, is refused, and reads, through public headers only.
#include <daybook/daybook.h>
#include <daybook/version.h>

#include <cstdio>
#include <string>
#include <string_view>

namespace {

int fail(const std::string& what) {
  std::fprintf(stderr, "consumer: %s\n", what.c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return fail("usage: consumer <directory>");
  if (daybook::version() != std::string_view(DAYBOOK_VERSION)) {
    return fail(std::string("headers of " DAYBOOK_VERSION ", library of ") + daybook::version());
  }

  auto store = daybook::Store::open(argv[1]);
  if (!store) return fail(daybook::describe(store.error()));

  const auto appended = store->append("account-1", daybook::Expect::no_stream(),
                                      {{.type = "AccountOpened", .payload = R"({"owner":"Ada"})"},
                                       {.type = "MoneyDeposited", .payload = R"({"cents":1250})"}});
  if (!appended) return fail(daybook::describe(appended.error()));
  if (appended->last_position != 2 || appended->last_version != 2) return fail("appended somewhere else");

  const auto refused = store->append("account-1", daybook::Expect::exactly(1), {{.type = "MoneyWithdrawn"}});
  if (refused || refused.error().code != daybook::Errc::wrong_version || refused.error().actual != 2) {
    return fail("a wrong expectation was not refused");
  }

  std::string read;
  auto cursor = store->read({.after = 0});
  while (const auto* event = cursor.next()) read.append(event->type).append(event->payload.text()).append(";");
  if (const auto error = cursor.error()) return fail(daybook::describe(*error));
  if (read != R"(AccountOpened{"owner":"Ada"};MoneyDeposited{"cents":1250};)") return fail("read " + read);

  if (const auto closed = store->close(); !closed) return fail(daybook::describe(closed.error()));
  std::printf("daybook %s: 2 events appended and read\n", daybook::version());
  return 0;
}
