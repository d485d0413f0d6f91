#include "process/reader_process.h"

#include <chrono>
#include <optional>
#include <thread>
#include <unordered_map>

#include <daybook/store.h>

#include "process/workload.h"
#include "support/rng.h"

namespace daybook::test {
namespace {

using namespace std::chrono_literals;

class Reader {
 public:
  Reader(const ReaderPlan& plan, SharedPage& page)
      : plan_(plan), page_(page), mine_(page.readers[plan.number]), rng_(plan.seed) {}

  void run() {
    if (!open()) return;
    auto cursor = store_->read({.visibility = plan_.visibility});
    for (;;) {
      while (const EventView* const event = cursor.next()) {
        if (!check(*event)) return;
        if (rng_.below(2000) == 0 && !resume(cursor)) return;
      }
      if (const auto error = cursor.error()) return fail("cursor", *error);
      if (rng_.below(8) == 0 && !resume(cursor)) return;
      (void)cursor.wait(std::chrono::milliseconds(rng_.below(20)));
    }
  }

 private:
  // False: something is wrong.
  bool open() {
    for (;;) {
      auto opened = Store::open(plan_.store, {.mode = Mode::read_only});
      if (opened) {
        store_.emplace(std::move(*opened));
        return true;
      }
      if (opened.error().code != Errc::not_found) {  // not made yet
        fail("open", opened.error());
        return false;
      }
      std::this_thread::sleep_for(1ms);
    }
  }

  // Goes on with another cursor, sometimes of another Store. What was read has not been lost, so neither is the token.
  bool resume(Cursor& cursor) {
    const ResumeToken token = cursor.token();
    if (rng_.coin()) {
      store_.reset();
      if (!open()) return false;
    }
    auto resumed = store_->resume(token, {.visibility = plan_.visibility});
    if (!resumed) {
      fail("resume at " + std::to_string(token.position), resumed.error());
      return false;
    }
    cursor = std::move(*resumed);
    ++mine_.resumed;
    return true;
  }

  bool check(const EventView& event) {
    const std::string at = " at position " + std::to_string(event.position);
    if (event.position != last_ + 1) return wrong("position after " + std::to_string(last_) + at);
    if (event.position >= kPositionsMax) return wrong("too many events for this test");
    if (event.recorded_at < recorded_at_) return wrong("recorded-at goes back" + at);
    if (event.version != ++versions_[std::string(event.stream)]) return wrong("version" + at);
    if (event.stream != "shared" && event.payload.text() != payload_of(event.stream, event.version)) {
      return wrong("payload" + at);
    }
    const std::uint64_t hash = hash_event(event);
    std::uint64_t before = 0;
    if (!mine_.hashes[event.position].compare_exchange_strong(before, hash) && before != hash) {
      return wrong("not what was read before" + at);
    }
    last_ = event.position;
    recorded_at_ = event.recorded_at;
    if (mine_.seen.load() < last_) mine_.seen.store(last_);
    return true;
  }

  bool wrong(const std::string& what) {
    page_.fail("reader " + std::to_string(plan_.number) + ": " + what);
    return false;
  }
  void fail(const std::string& what, const Error& error) { wrong(what + ": " + describe(error)); }

  const ReaderPlan& plan_;
  SharedPage& page_;
  ReaderProcess& mine_;
  Rng rng_;
  std::optional<Store> store_;
  Position last_ = 0;
  Timestamp recorded_at_{};
  std::unordered_map<std::string, Version> versions_;
};

}  // namespace

void run_reader(const ReaderPlan& plan, SharedPage& page) { Reader(plan, page).run(); }

}  // namespace daybook::test
