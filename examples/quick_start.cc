// The program of the README: opens a store, appends to a stream, reads everything back.
#include <cstdio>

#include <daybook/daybook.h>

int fail(const daybook::Error& error) {
  std::fprintf(stderr, "%s\n", daybook::describe(error).c_str());
  return 1;
}

int main(int, char** argv) {
  auto store = daybook::Store::open(argv[1] != nullptr ? argv[1] : "ledger");  // created when missing; durable by default
  if (!store) return fail(store.error());

  auto appended = store->append("account-1", daybook::Expect::no_stream(),
                                {{.type = "AccountOpened", .payload = R"({"owner":"Ada"})"},
                                 {.type = "MoneyDeposited", .payload = R"({"cents":1250})"}});
  if (!appended) return fail(appended.error());  // the second time: wrong_version: expected no stream, actual version 2

  auto cursor = store->read({.after = 0});
  while (const daybook::EventView* event = cursor.next()) {
    std::printf("%llu %.*s@%llu %.*s %.*s\n", static_cast<unsigned long long>(event->position),
                static_cast<int>(event->stream.size()), event->stream.data(),
                static_cast<unsigned long long>(event->version), static_cast<int>(event->type.size()), event->type.data(),
                static_cast<int>(event->payload.size()), event->payload.text().data());
  }
  if (auto error = cursor.error()) return fail(*error);
  auto closed = store->close();
  return closed ? 0 : fail(closed.error());
}
