// Relacy, without the words that it redefines for everybody (new, delete, free, memory_order_relaxed ...). Include it
// behind all other headers.
#pragma once

#include <cassert>
#include <climits>

#include <relacy/relacy.hpp>

#undef new
#undef delete
#undef malloc
#undef calloc
#undef realloc
#undef free
#undef assert
#undef errno
#undef VAR
#undef memory_order_relaxed
#undef memory_order_consume
#undef memory_order_acquire
#undef memory_order_release
#undef memory_order_acq_rel
#undef memory_order_seq_cst
