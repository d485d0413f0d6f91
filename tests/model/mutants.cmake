# Makes mutants of the lock-free templates: copies of a class with one thing broken, each in a namespace of its own.
#
#   cmake -D ENGINE=<engine folder> -D OUT=<folder> -P mutants.cmake
#
# writes <OUT>/mutants/{publisher,claims,group_sync}.h. The text to replace must be in the header exactly once: who
# changes the header changes the mutant along with it, or the build fails here.

# mutants_of(<header> <namespace> <class>): what follows is about this class.
macro(mutants_of header space class)
  file(READ "${ENGINE}/${header}" text)
  set(start "template <typename")
  string(FIND "${text}" "${start}" at)
  string(SUBSTRING "${text}" ${at} -1 class_text)
  if(NOT class_text MATCHES "^template <typename [A-Za-z]+>\nclass ${class} {")
    message(FATAL_ERROR "${header}: the first template is not ${class}")
  endif()
  set(space "${space}")
  set(header "${header}")
  get_filename_component(out "${header}" NAME)
  set(out "${OUT}/mutants/${out}")
  set(all "// Made by tests/model/mutants.cmake\n#pragma once\n\n#include \"${header}\"\n")
endmacro()

# mutant(<name> (<text> <replacement>)...)
function(mutant name)
  set(mutated "${class_text}")
  math(EXPR last "${ARGC} - 1")
  foreach(i RANGE 1 ${last} 2)
    math(EXPR j "${i} + 1")
    set(from "${ARGV${i}}")
    string(FIND "${mutated}" "${from}" first)
    string(FIND "${mutated}" "${from}" final REVERSE)
    if(first EQUAL -1 OR NOT first EQUAL final)
      message(FATAL_ERROR "${header}, mutant ${name}: not there exactly once: ${from}")
    endif()
    string(REPLACE "${from}" "${ARGV${j}}" mutated "${mutated}")
  endforeach()
  string(APPEND all "\nnamespace daybook::${space}::${name} {\n\n${mutated}")
  set(all "${all}" PARENT_SCOPE)
endfunction()

macro(write_mutants)
  file(WRITE "${out}" "${all}")
endmacro()

# --- log::Publisher, by its invariants

mutants_of(log/publisher.h log Publisher)

# (a) The frame's recorded fields before the heads.
mutant(
  field_first
  "    // (a) The heads and the clock first ..."
  "    std::array<std::uint64_t, kMax> early;
    for (std::uint32_t i = 0; i < streams; ++i) early[i] = A::load(frame.assigned(i), A::acquire);"
  "const std::uint64_t assigned = A::load(frame.assigned(i), A::acquire);"
  "const std::uint64_t assigned = early[i];")

# (a) No second look at the word.
mutant(no_recheck "    if (A::load(frame.word(), A::acquire) != word.bits) return;\n" "")

# (a) The clock behind the recorded fields and the second look.
mutant(
  clock_late
  "    const auto clock = A::load(log_.clock, A::acquire);\n" ""
  "const auto recorded_at = std::max(A::load(frame.recorded_at(), A::acquire), clock);"
  "auto recorded_at = A::load(frame.recorded_at(), A::acquire);"
  "    if (A::load(frame.word(), A::acquire) != word.bits) return;"
  "    if (A::load(frame.word(), A::acquire) != word.bits) return;
    recorded_at = std::max(recorded_at, A::load(log_.clock, A::acquire));")

# (b) The heads move before the decision is recorded.
mutant(
  record_late
  "    for (std::uint32_t i = 0; i < streams; ++i) {
      std::uint64_t expected = 0;
      A::cas(frame.assigned(i), expected, before[i] + 1, A::acq_rel);
    }\n"
  ""
  "    raise_clock(recorded_at);"
  "    for (std::uint32_t i = 0; i < streams; ++i) {
      std::uint64_t expected = 0;
      A::cas(frame.assigned(i), expected, before[i] + 1, A::acq_rel);
    }
    raise_clock(recorded_at);")

# (e) Words without their orders.
mutant(publish_relaxed "A::cas(frame.word(), expected, decided.bits, A::acq_rel);"
       "A::cas(frame.word(), expected, decided.bits, A::relaxed);")
mutant(look_relaxed "    Word word{A::load(frame.word(), A::acquire)};" "    Word word{A::load(frame.word(), A::relaxed)};")

# Entering the next segment.
mutant(base_late
  "      A::store(next->base, base, A::relaxed);\n" ""
  "      A::cas(log_.publishing, expected, next, A::seq_cst);"
  "      A::cas(log_.publishing, expected, next, A::seq_cst);\n      A::store(next->base, base, A::relaxed);")
mutant(enter_next_uncounted
  "    next->claims().enter();\n" "" "    next->claims().leave();\n" "")
mutant(helper_uncounted
  "        at->claims().enter();\n" ""
  "        if (entered != nullptr) entered->claims().leave();" ""
  "    if (entered != nullptr) entered->claims().leave();\n  }" "  }")
mutant(no_second_look
  "      if (at != &own && at != entered) {"
  "      if (at != &own && at != entered) {
        if (entered != nullptr) entered->claims().leave();
        at->claims().enter();
        entered = at;
      }
      if (false) {")

write_mutants()

# --- segment::Claims

mutants_of(segment/claims.h segment Claims)

mutant(enter_relaxed "A::add(tail_, kEntry, A::seq_cst)" "A::add(tail_, kEntry, A::relaxed)")
mutant(quiescent_relaxed
  "A::load(departures_, A::acquire)" "A::load(departures_, A::relaxed)"
  "A::load(tail_, A::seq_cst)" "A::load(tail_, A::relaxed)")
mutant(quiescent_tail_relaxed "A::load(tail_, A::seq_cst)" "A::load(tail_, A::relaxed)")
mutant(quiescent_departures_relaxed "A::load(departures_, A::acquire)" "A::load(departures_, A::relaxed)")
mutant(quiescent_tail_first
  "    const std::uint64_t departures = A::load(departures_, A::acquire);
    return A::load(tail_, A::seq_cst) / kEntry == departures % (kEntryCount);"
  "    const std::uint64_t entries = A::load(tail_, A::seq_cst) / kEntry;
    return entries == A::load(departures_, A::acquire) % (kEntryCount);")
mutant(leave_relaxed "A::add(departures_, std::uint64_t{1}, A::release)"
       "A::add(departures_, std::uint64_t{1}, A::relaxed)")
mutant(mark_relaxed "A::cas(mark_, expected, to.packed(), A::seq_cst)" "A::cas(mark_, expected, to.packed(), A::relaxed)")
mutant(mark_load_relaxed "A::load(mark_, A::acquire)" "A::load(mark_, A::relaxed)")
mutant(mark_by_store "    return A::cas(mark_, expected, to.packed(), A::seq_cst);"
       "    A::store(mark_, to.packed(), A::seq_cst);\n    return expected != 0;")
mutant(pad_forgotten "    if (offset < data_end_) return {Claim::Kind::padder, offset};\n" "")

write_mutants()

# --- log::GroupSync

mutants_of(log/group_sync.h log GroupSync)

mutant(point_late "raise(point.address);" "raise(env_.published().address);")
mutant(told_late
  "      env_.moved(point);  // (4)\n      raise(point.address);\n"
  "      raise(point.address);\n      env_.moved(point);\n")
mutant(counted_early
  "    A::store(taken_[turn], 0u, A::seq_cst);\n    A::add(turns_, 1u, A::seq_cst);"
  "    A::add(turns_, 1u, A::seq_cst);\n    A::store(taken_[turn], 0u, A::seq_cst);")
mutant(not_counted "    A::add(turns_, 1u, A::seq_cst);\n" "")
mutant(woken_early
  "    A::add(turns_, 1u, A::seq_cst);\n    env_.wake(turns_);"
  "    env_.wake(turns_);\n    A::add(turns_, 1u, A::seq_cst);")
mutant(not_woken "    env_.wake(turns_);\n" "")
mutant(seen_late
  "      const std::uint32_t seen = A::load(turns_, A::seq_cst);  // (3)\n" ""
  "      env_.wait(turns_, seen);" "      env_.wait(turns_, A::load(turns_, A::seq_cst));")
mutant(give_back_relaxed "A::store(taken_[turn], 0u, A::seq_cst);" "A::store(taken_[turn], 0u, A::relaxed);")
mutant(durable_by_store
  "    while (now < to && !A::cas(durable_, now, to, A::acq_rel)) {\n    }"
  "    if (now < to) A::store(durable_, to, A::release);")
mutant(durable_load_relaxed "return A::load(durable_, A::acquire);" "return A::load(durable_, A::relaxed);")
mutant(failure_raises "env_.sync(turn, point)) {" "(env_.sync(turn, point) || true)) {")

write_mutants()
