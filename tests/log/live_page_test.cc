// The page that processes share: what of it is believed.
#include <memory>
#include <optional>

#include <gtest/gtest.h>

#include "format/layout.h"
#include "log/live_page.h"
#include "support/result_matchers.h"
#include "support/sim_disk.h"

namespace daybook::test {
namespace {

using format::Address;

class LivePageTest : public ::testing::Test {
 protected:
  LivePageTest() {
    const auto lock = directory_->lock(format::kLockName);
    EXPECT_TRUE(is_ok(lock));
    auto live = log::LivePage::open_writer(*directory_);
    EXPECT_TRUE(is_ok(live));
    live_ = std::move(*live);
    live_->describe(log_, {.segment = 3, .offset = 4096});
  }

  // The words of the page, as a crash may leave them.
  format::LivePage& page() {
    if (mapping_ == nullptr) {
      const auto file = directory_->open(format::kLockName, io::Directory::OpenMode::read_write);
      mapping_ = std::move((*file)->map(io::Access::read_write, format::kPage).value());
    }
    return *reinterpret_cast<format::LivePage*>(mapping_->bytes().data());
  }

  const Uuid log_{1, 2, 3};
  SimDisk disk_;
  const std::unique_ptr<io::Directory> directory_ = disk_.open();
  std::unique_ptr<log::LivePage> live_;
  std::unique_ptr<io::Mapping> mapping_;
};

TEST_F(LivePageTest, SaysWhatIsDurableAndNeverLess) {
  EXPECT_EQ(live_->durable(log_), (Address{3, 4096}));
  live_->raise_durable({4, 8192}, log_);
  EXPECT_EQ(live_->durable(log_), (Address{4, 8192}));
  live_->raise_durable({4, 4096}, log_);
  EXPECT_EQ(live_->durable(log_), (Address{4, 8192}));
  EXPECT_EQ(live_->durable({9}), std::nullopt);
}

// 12 bits of check are passed by noise once in 4,096 times. It would have to pass both.
TEST_F(LivePageTest, NoiseInOneSectorPromisesNothing) {
  const std::uint64_t noise = format::seal_durable({240, 243'205'384}, log_);
  for (std::uint64_t format::LivePage::*word : {&format::LivePage::durable, &format::LivePage::durable_again}) {
    live_->describe(log_, {3, 4096});
    page().*word = noise;
    EXPECT_EQ(live_->durable(log_), (Address{3, 4096}));
    page().*word = noise + 1;
    EXPECT_EQ(live_->durable(log_), std::nullopt);
    // The next sync makes it good again.
    live_->raise_durable({5, 4096}, log_);
    EXPECT_EQ(live_->durable(log_), (Address{5, 4096}));
  }
}

}  // namespace
}  // namespace daybook::test
