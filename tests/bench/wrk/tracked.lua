-- POST /orders, user 1, a product whose stock is tracked.
dofile(os.getenv("BENCH_WRK") .. "/report.lua")
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"user_id":1,"product_id":' .. os.getenv("BENCH_PRODUCT") .. '}'
