#include <daybook/version.h>

namespace daybook {

const char* version() noexcept { return DAYBOOK_VERSION; }

}  // namespace daybook
