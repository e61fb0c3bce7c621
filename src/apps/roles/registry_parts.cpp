#include "apps/roles/registry_parts.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/use_future.hpp>

#include "apps/roles/serve_parts.hpp"
#include "http/message/host_address.hpp"
#include "wire/auth/basic_authorization.hpp"

namespace market::apps {
namespace {

constexpr std::chrono::seconds sweep_pause{30};

registry::LeaseRules rules_of(const Settings& settings) {
  registry::LeaseRules rules;
  rules.self_preservation = settings.flag("registry.self_preservation");
  return rules;
}

/// Whether a peer's URL means this registry: one list of peers serves all of them, its own URL among them.
bool leads_here(const http::BaseUrl& peer, const std::string& own_host, std::uint16_t own_port) {
  if (peer.port != std::to_string(own_port)) return false;
  const std::string host = http::bare_host(peer.host);
  if (host == own_host) return true;
  boost::system::error_code unknown;
  const auto own = asio::ip::make_address(own_host, unknown);
  if (unknown) return false;
  asio::io_context io;
  for (const auto& found : asio::ip::udp::resolver(io).resolve(host, peer.port, unknown)) {
    const auto address = found.endpoint().address();
    if (address == own) return true;
    // A socket can be bound to an address only on the machine that has it.
    boost::system::error_code not_ours;
    asio::ip::udp::socket probe(io, found.endpoint().protocol());
    probe.bind({address, 0}, not_ours);
    if (own.is_unspecified() && !not_ours) return true;
  }
  return false;
}

std::vector<http::BaseUrl> peers_of(const Settings& settings, const std::string& own_host,
                                    std::uint16_t own_port) {
  auto peers = http::parse_base_urls(settings.text("registry.peers"));
  if (!peers) throw UsageError("registry.peers: " + peers.error().detail);
  std::erase_if(*peers, [&](const http::BaseUrl& peer) { return leads_here(peer, own_host, own_port); });
  return std::move(*peers);
}

std::string authorization_of(const Settings& settings) {
  const std::string credential = settings.text("registry.credential");
  if (credential.empty()) return {};
  if (credential.find(':') == std::string::npos) throw UsageError("registry.credential: write user:password");
  return wire::basic_authorization(credential);
}

}  // namespace

void check_registry_settings(const Settings& settings) {
  peers_of(settings, {}, 0);
  authorization_of(settings);
}

EvictionTimer::EvictionTimer(registry::SharedRegistry& registry, Millis interval)
    : registry_(registry), interval_(std::max(Millis(10), interval)), thread_([this] { run(); }) {}

EvictionTimer::~EvictionTimer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void EvictionTimer::run() {
  using Steady = std::chrono::steady_clock;
  auto due = Steady::now() + interval_;
  auto sweep_due = Steady::now() + sweep_pause;
  std::unique_lock lock(mutex_);
  while (!wake_.wait_until(lock, due, [this] { return stopping_; })) {
    lock.unlock();
    const auto now = Steady::now();
    registry_.evict(std::chrono::duration_cast<Millis>(now - due));
    if (now >= sweep_due) {
      registry_.sweep();
      sweep_due = now + sweep_pause;
    }
    due = now + interval_;
    lock.lock();
  }
}

RegistryParts::RegistryParts(const Settings& settings, const Clock& clock, const std::string& own_host,
                             std::uint16_t own_port)
    : registry_(rules_of(settings), clock, settings.duration("registry.cache"),
                http::AllowedAddresses(networks_of(settings, "registry.networks"))),
      peers_(background_.executor(), peers_of(settings, own_host, own_port), registry_),
      authorization_(authorization_of(settings)),
      public_reads_(settings.flag("registry.public_reads")),
      eviction_timer_(registry_, settings.duration("registry.eviction_interval")) {}

RegistryParts::~RegistryParts() {
  background_.stop();
}

void RegistryParts::add_routes(http::Router& router) {
  const registry::HandlerContext context{registry_, peers_, authorization_, public_reads_};
  registry::add_eureka_routes(router, context);
  registry::add_dashboard_routes(router, context);
}

std::optional<std::string> RegistryParts::not_ready() const {
  if (registry_.ready()) return std::nullopt;
  return "the registry is being fetched from a peer";
}

void RegistryParts::learn_from(const std::string& host, std::uint16_t port) {
  http::BaseUrl base{http::host_in_url(host), std::to_string(port), "/eureka/", authorization_};
  auto learned = asio::co_spawn(background_.executor(), peers_.learn_from(std::move(base)), asio::use_future);
  if (const auto done = learned.get(); !done)
    throw UsageError("--takeover: the running registry does not tell what it knows: " + done.error().detail);
}

void RegistryParts::add_metrics(platform::MetricsText& metrics) {
  std::size_t instances = 0;
  registry::Preservation preservation;
  std::uint64_t expected = 0;
  registry_.with([&](registry::LeaseRegistry& leases, std::int64_t) {
    instances = leases.size();
    preservation = leases.preservation();
    expected = leases.expected_per_minute();
  });
  const auto number = [&](std::string_view name, std::string_view kind, std::string_view help,
                          std::uint64_t value) { metrics.family(name, kind, help).sample(value); };
  const auto& counts = registry_.counts();
  number("market_registry_instances", "gauge", "Registered instances.", instances);
  number("market_registry_registrations_total", "counter", "Registrations.", counts.registrations);
  number("market_registry_renewals_total", "counter", "Heartbeats.", counts.renewals);
  number("market_registry_renewals_per_minute", "gauge", "Heartbeats of the last full minute.",
         registry_.renewals_last_minute());
  number("market_registry_renewals_expected_per_minute", "gauge", "Heartbeats if nobody were late.",
         expected);
  number("market_registry_cancellations_total", "counter", "Instances that left.", counts.cancellations);
  number("market_registry_evictions_total", "counter", "Instances whose lease ended.", counts.evictions);
  number("market_registry_refused_total", "counter", "Changes without the right to make them.",
         counts.refused);
  number("market_registry_self_preservation", "gauge", "1: nobody is evicted.", preservation.active ? 1 : 0);
  number("market_registry_streams", "gauge", "Open push streams.", registry_.feed().readers());
  metrics.family("market_registry_replication_errors_total", "counter", "Failed talks to a peer.");
  for (const auto& peer : peers_.states()) metrics.sample(peer.errors, platform::label("peer", peer.url));
}

}  // namespace market::apps
