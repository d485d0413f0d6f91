#include "fd_buffer.h"

#include <cerrno>
#include <cstring>

#include <poll.h>
#include <unistd.h>

namespace daybook::tools {

FdBuffer::FdBuffer(int fd) : fd_(fd) { setp(buffer_.data(), buffer_.data() + buffer_.size()); }

FdBuffer::~FdBuffer() { drain(); }

bool FdBuffer::reader_gone() const {
  pollfd entry{fd_, 0, 0};
  return ::poll(&entry, 1, 0) == 1 && (entry.revents & (POLLERR | POLLHUP)) != 0;
}

bool FdBuffer::write_all(const char* text, std::size_t size) {
  while (size > 0 && error_ == 0) {
    const ssize_t written = ::write(fd_, text, size);
    if (written >= 0) {
      text += written;
      size -= static_cast<std::size_t>(written);
    } else if (errno == EAGAIN) {  // somebody made the terminal non-blocking
      pollfd entry{fd_, POLLOUT, 0};
      ::poll(&entry, 1, -1);
    } else if (errno != EINTR) {
      error_ = errno;
    }
  }
  return error_ == 0;
}

bool FdBuffer::drain() {
  const auto size = static_cast<std::size_t>(pptr() - pbase());
  setp(buffer_.data(), buffer_.data() + buffer_.size());
  return write_all(buffer_.data(), size);
}

FdBuffer::int_type FdBuffer::overflow(int_type character) {
  if (!drain()) return traits_type::eof();
  if (!traits_type::eq_int_type(character, traits_type::eof())) {
    *pptr() = traits_type::to_char_type(character);
    pbump(1);
  }
  return traits_type::not_eof(character);
}

std::streamsize FdBuffer::xsputn(const char* text, std::streamsize size) {
  const auto bytes = static_cast<std::size_t>(size);
  if (bytes > static_cast<std::size_t>(epptr() - pptr())) {
    if (!drain()) return 0;
    if (bytes >= buffer_.size()) return write_all(text, bytes) ? size : 0;
  }
  std::memcpy(pptr(), text, bytes);
  pbump(static_cast<int>(size));
  return size;
}

int FdBuffer::sync() { return drain() ? 0 : -1; }

}  // namespace daybook::tools
