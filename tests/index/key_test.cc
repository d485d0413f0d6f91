#include "index/key.h"

#include <string>

#include <gtest/gtest.h>

namespace daybook::index {
namespace {

// Sidecars are sorted by these hashes: another value makes every sidecar there is unreadable.
TEST(KeyHashTest, IsSetInStone) {
  EXPECT_EQ(key_hash({KeyKind::stream, "account-1"}), 0x340ffbf3cf5b897cu);
  EXPECT_EQ(key_hash({KeyKind::type, "account-1"}), 0x43bd2c9b4e30e22cu);
  EXPECT_EQ(key_hash({KeyKind::tag, "account-1"}), 0x78d6dd0aee9d8852u);
  EXPECT_EQ(key_hash({KeyKind::id, "0123456789abcdef"}), 0x9a430de87a8241cdu);
  EXPECT_EQ(key_hash({KeyKind::stream, ""}), 0xb3fe4d31091d58bdu);
  EXPECT_EQ(key_hash({KeyKind::stream, std::string(255, 'x')}), 0x112212f9c0bf9245u);
}

}  // namespace
}  // namespace daybook::index
