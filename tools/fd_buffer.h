// A std::streambuf over a file descriptor that remembers why writing failed, which std::ofstream does not.
#pragma once

#include <array>
#include <cstddef>
#include <streambuf>

namespace daybook::tools {

// Writes to a descriptor that it does not own. Thread safety: none.
class FdBuffer : public std::streambuf {
 public:
  explicit FdBuffer(int fd);
  FdBuffer(const FdBuffer&) = delete;
  FdBuffer& operator=(const FdBuffer&) = delete;
  ~FdBuffer() override;  // writes what is left

  // errno of the first write that failed; 0 = none. Everything after it is dropped.
  [[nodiscard]] int error() const { return error_; }

  // Whether the descriptor is a pipe or socket that nobody will read from any more.
  [[nodiscard]] bool reader_gone() const;

 protected:
  int_type overflow(int_type character) override;
  std::streamsize xsputn(const char* text, std::streamsize size) override;
  int sync() override;

 private:
  bool write_all(const char* text, std::size_t size);
  bool drain();

  int fd_;
  int error_ = 0;
  std::array<char, 1 << 16> buffer_;
};

}  // namespace daybook::tools
