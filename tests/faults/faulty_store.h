// A store on a real directory whose calls fail when told to.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include <daybook/store.h>

#include "store/store_access.h"
#include "support/faulty_directory.h"
#include "support/io_faults.h"
#include "support/result_matchers.h"
#include "support/stored_event.h"
#include "support/temp_dir.h"

namespace daybook::test {

inline constexpr std::uint64_t kSmallest = 64 << 10;  // segment size

class FaultyStoreTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::filesystem::path path() const { return temp_ / "store"; }

  // Through the faults.
  Result<Store> open(const OpenOptions& options) { return open_at(path(), options); }
  Result<Store> open_at(const std::filesystem::path& at, const OpenOptions& options) {
    auto real = io::open_directory(at, options.mode == Mode::read_write);
    if (!real) return fail(real.error());
    return StoreAccess::open(make_faulty(std::move(*real), faults_), options);
  }
  void start(Durability durability, std::uint64_t segment_size = kSmallest) {
    auto opened = open({.durability = durability, .segment_size = segment_size});
    ASSERT_TRUE(is_ok(opened));
    store_.emplace(std::move(*opened));
  }
  Store& store() { return *store_; }

  Result<Appended> append(std::size_t size = 200) {
    const std::string payload(size, 'x');
    auto appended = store().append("s", Expect::any(), {{.type = "T", .payload = payload}});
    if (appended) acked_ = appended->last_position;
    return appended;
  }
  // Until one fails; the error is there to be looked at. No more than `most`.
  std::optional<Error> append_until_error(std::size_t most = 5000) {
    for (std::size_t i = 0; i < most; ++i) {
      if (const auto appended = append(); !appended) return appended.error();
    }
    return std::nullopt;
  }

  // Reading does not mind: everything that was acknowledged is there.
  void expect_readable() {
    ASSERT_GE(store().published_position(), acked_);
    if (acked_ == 0) return;
    ASSERT_EQ(read_positions(store()), positions(1, store().published_position()));
  }
  // So does the next open, without faults.
  void expect_whole_after_reopen(std::optional<bool> unclean = std::nullopt) {
    store_.reset();
    faults_->clear();
    auto opened = Store::open(path());
    ASSERT_TRUE(is_ok(opened));
    if (unclean) {
      EXPECT_EQ(opened->recovery().unclean, *unclean);
    }
    ASSERT_GE(opened->published_position(), acked_);
    ASSERT_TRUE(is_ok(opened->append("after", Expect::any(), {{.type = "T"}})));
    ASSERT_EQ(read_positions(*opened), positions(1, opened->published_position()));
  }

  TempDir temp_;
  std::shared_ptr<IoFaults> faults_ = std::make_shared<IoFaults>();
  std::optional<Store> store_;
  Position acked_ = 0;
};

}  // namespace daybook::test
