// Loaded before the first paint, so that nothing flashes. All services of a host share its cookies, whatever their ports.
{
  const chosen = /(?:^|; )theme=(light|dark)(?:;|$)/.exec(document.cookie);
  if (chosen) document.documentElement.dataset.theme = chosen[1];
}
