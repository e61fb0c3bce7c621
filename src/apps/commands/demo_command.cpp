// `market demo`: a drop with a crowd, against a running shop with demo data.
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>

#include "apps/commands/commands.hpp"
#include "apps/commands/demo.hpp"
#include "apps/commands/demo_crowd.hpp"
#include "apps/roles/serve_parts.hpp"

namespace market::apps {
namespace {

Credentials operator_of_demo() {
  const char* email = std::getenv("MARKET_ADMIN_EMAIL");
  const std::string password = secret_of("MARKET_ADMIN_PASSWORD");
  if (email && *email != '\0' && !password.empty()) return {email, password};
  return {std::string(demo_admin_email), std::string(demo_admin_password)};
}

}  // namespace

int run_demo(const DemoOptions& options) {
  const auto shop = http::parse_base_url(options.url);
  if (!shop) throw UsageError("demo: --url " + shop.error().detail);
  CrowdPlan plan;
  plan.buyers = options.buyers;
  plan.units = options.units;
  const auto opens_in = parse_duration(options.opens_in);
  if (!opens_in || *opens_in > std::chrono::hours(1))
    throw UsageError("demo: --opens-in must be a duration such as 15s, an hour at most");
  plan.opens_in = *opens_in;
  const SystemClock clock;
  Crowd crowd(*shop, plan, clock);
  const std::string product = crowd.announce(operator_of_demo());
  const std::string url =
      options.url.ends_with('/') ? options.url.substr(0, options.url.size() - 1) : options.url;
  fmt::print("A drop of {} units opens in {}, and {} buyers are coming.\n\n", plan.units,
             format_duration(plan.opens_in), plan.buyers);
  fmt::print("  buy one    {}/store/products/{}\n  watch      {}/admin?sale={}\n\n", url, product, url,
             product);
  std::fflush(stdout);
  crowd.come();
  fmt::print("\nThe end. What became of it: {}/admin/report?sale={}\n", url, product);
  return 0;
}

}  // namespace market::apps
