// The golden files of format 1, made again: what they are, in code. The files in v1/ are the contract, not this.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace daybook::test {

struct GoldenFile {
  std::string name;
  std::vector<std::byte> bytes;
};
std::vector<GoldenFile> make_golden_files();

}  // namespace daybook::test
