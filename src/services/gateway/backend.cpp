#include "services/gateway/backend.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>

namespace market::gateway {

namespace {

std::string_view reason_of(Fault fault) {
  switch (fault) {
    case Fault::not_connected:
      return "nobody listens there";
    case Fault::broke_off:
      return "it broke off a connection";
    case Fault::bad_answer:
      return "several bad answers or time-outs in a row";
  }
  return "";
}

}  // namespace

void Backend::failed(Fault fault, const BackendLimits& limits, std::int64_t now_ms) {
  faults.fetch_add(1, std::memory_order_relaxed);
  if (fault == Fault::not_connected) dead_.store(true, std::memory_order_relaxed);
  if (fault == Fault::bad_answer &&
      bad_in_a_row_.fetch_add(1, std::memory_order_relaxed) + 1 < limits.bad_answers_max)
    return;
  eject(fault, limits, now_ms);
}

void Backend::eject(Fault fault, const BackendLimits& limits, std::int64_t now_ms) {
  if (ejected_.exchange(true, std::memory_order_acq_rel)) return;
  const int times = std::min(ejections_.fetch_add(1, std::memory_order_relaxed), 16);
  const auto pause =
      std::min<std::int64_t>(limits.first_ejection.count() << times, limits.ejection_max.count());
  probe_at_ms_.store(now_ms + pause, std::memory_order_relaxed);
  spdlog::warn("{} at {}:{} is ejected: {}; next look in {} ms", service.empty() ? "the instance" : service,
               host, port, reason_of(fault), pause);
}

void Backend::probed(bool alive, const BackendLimits& limits, std::int64_t now_ms) {
  if (!alive) {
    const int times = std::min(ejections_.fetch_add(1, std::memory_order_relaxed), 16);
    // A restart must be noticed soon: looking is cheap.
    const auto pause =
        std::min<std::int64_t>({limits.first_ejection.count() << times, 1'000, limits.ejection_max.count()});
    probe_at_ms_.store(now_ms + pause, std::memory_order_relaxed);
    return;
  }
  bad_in_a_row_.store(0, std::memory_order_relaxed);
  ejections_.store(0, std::memory_order_relaxed);
  dead_.store(false, std::memory_order_relaxed);
  fresh_since_ms_.store(now_ms, std::memory_order_relaxed);
  ejected_.store(false, std::memory_order_release);
  spdlog::info("{} at {}:{} is back", service, host, port);
}

/// Two threads at once may lose one of their refusals: the next one comes soon.
void Backend::refused(std::int64_t now_ms) {
  refusals_.store(std::min(refusals(now_ms) + refusal_weight, refusals_max), std::memory_order_relaxed);
  refused_at_ms_.store(now_ms, std::memory_order_relaxed);
}

double Backend::refusals(std::int64_t now_ms) const {
  const auto left = refusals_.load(std::memory_order_relaxed);
  if (left == 0) return 0;
  const auto passed = static_cast<double>(now_ms - refused_at_ms_.load(std::memory_order_relaxed));
  const auto now = left * std::exp2(-std::max(passed, 0.0) / refusal_half_life_ms);
  return now < 0.5 ? 0 : now;
}

double Backend::load(const BackendLimits& limits, std::int64_t now_ms) const {
  const double under_way = in_flight.load(std::memory_order_relaxed) + 1;
  const auto since = fresh_since_ms_.load(std::memory_order_relaxed);
  if (since == 0) return under_way + refusals(now_ms);
  const double age = static_cast<double>(now_ms - since) / static_cast<double>(limits.slow_start.count());
  return under_way / std::clamp(age, 0.1, 1.0) + refusals(now_ms);
}

}  // namespace market::gateway
