/* The faults of the page's present layout: a list of sentences, empty without faults. Evaluated in the page by
   test_texts_in_layouts.py with { coarse, name of the open panel, 'projector' or '' }. */
({ coarse, panel }) => {
  const wrong = []
  const SLACK = 1.5 // for subpixels, and for a letter that leans out of its box
  const $ = (selector, root = document) => [...root.querySelectorAll(selector)]
  const isSeen = (one) => one.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && !one.closest('.unseen')
  const named = (one) => one.id || `${one.tagName.toLowerCase()}.${one.className} '${(one.ariaLabel || one.textContent || one.name || '').trim().slice(0, 40)}'`
  const scroller = (one) => {
    for (let at = one.parentElement; at; at = at.parentElement) if (/auto|scroll/.test(getComputedStyle(at).overflowY)) return at
    return null
  }
  const roots = panel === 'projector' ? ['#projector'] : panel ? ['#panel'] : ['#state', '.tools', '#paints', '#confirm:not([hidden])', '#message.shown']
  const cards = roots.flatMap((selector) => $(selector)).filter(isSeen)

  // Cards: inside of the window, and not over one another.
  for (const card of cards) {
    if (card.scrollHeight > card.clientHeight + SLACK && getComputedStyle(card).overflowY === 'hidden') wrong.push(`${named(card)} cuts ${card.scrollHeight - card.clientHeight} px below`)
    const { left, right, top, bottom } = card.getBoundingClientRect()
    if (left < -SLACK || top < -SLACK || right > innerWidth + SLACK || bottom > innerHeight + SLACK) wrong.push(`${named(card)} is partly outside`)
  }
  const overlap = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > SLACK && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > SLACK
  const pairs = (list) => list.flatMap((one, i) => list.slice(i + 1).map((other) => [one, other]))
  for (const [a, b] of pairs(cards.filter((card) => getComputedStyle(card).position !== 'fixed'))) {
    if (overlap(a.getBoundingClientRect(), b.getBoundingClientRect())) wrong.push(`${named(a)} is over ${named(b)}`)
  }
  if (document.documentElement.scrollWidth > innerWidth || document.documentElement.scrollHeight > innerHeight) wrong.push(`the page scrolls by ${$('body *').filter((one) => one.getBoundingClientRect().bottom > innerHeight + 1 && !scroller(one)).map(named)}`)

  for (const card of cards) {
    // Texts: nothing is cut, neither by an element that clips nor by its own box's edge.
    for (const one of [card, ...$('*', card)].filter(isSeen)) {
      if (one.scrollWidth > one.clientWidth + SLACK && getComputedStyle(one).overflowX !== 'visible' && one.clientWidth) wrong.push(`${named(one)} is ${one.scrollWidth - one.clientWidth} px too wide inside`)
      const box = one.getBoundingClientRect()
      const clip = scroller(one)?.getBoundingClientRect() ?? { left: 0, right: innerWidth }
      for (const text of [...one.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE && node.data.trim())) {
        if (one.matches('option, textarea')) continue
        const range = document.createRange()
        range.selectNodeContents(text)
        for (const line of range.getClientRects()) {
          const isOut = line.left < box.left - SLACK || line.right > box.right + SLACK || (one.matches('button, label, .card') && (line.top < box.top - SLACK || line.bottom > box.bottom + SLACK))
          if (isOut || line.left < clip.left - SLACK || line.right > clip.right + SLACK) wrong.push(`${named(one)}: its text leaves its box`)
        }
      }
      const shown = one.matches('select') ? one.selectedOptions[0]?.text : one.matches('input') ? one.placeholder || (one.type === 'number' && one.value) : ''
      if (shown) {
        const style = getComputedStyle(one)
        const twin = document.createElement('div')
        twin.textContent = shown
        Object.assign(twin.style, { position: 'absolute', visibility: 'hidden', font: style.font, overflowWrap: 'normal', whiteSpace: one.matches('select') ? 'normal' : 'nowrap' })
        if (one.matches('select')) twin.style.width = `${one.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight)}px`
        document.body.append(twin)
        const width = twin.scrollWidth + parseFloat(style.paddingLeft) + parseFloat(style.paddingRight)
        const height = twin.scrollHeight + parseFloat(style.paddingTop) + parseFloat(style.paddingBottom)
        if (width > one.clientWidth + SLACK || height > one.clientHeight + SLACK) wrong.push(`${named(one)} cuts '${shown}'`)
        twin.remove()
      }
      if (one.matches('textarea') && one.scrollHeight > one.clientHeight + SLACK && getComputedStyle(one).overflowY === 'hidden') wrong.push(`${named(one)} cuts its lines`)
    }

    // Controls: each can be reached, is large enough, and lies over no other.
    const controls = $('button, select, textarea, summary, .file, input:not([type=file])', card).filter(isSeen)
    for (const one of controls) {
      const target = one.matches('[type=checkbox]') ? one.closest('label') : one
      const { left, right, top, bottom, width, height } = target.getBoundingClientRect()
      const scrolls = scroller(one)
      const room = scrolls?.getBoundingClientRect()
      const isIn = left >= -SLACK && right <= innerWidth + SLACK && top >= -SLACK && bottom <= innerHeight + SLACK
      const isReached = scrolls ? room.height >= 24 && left >= room.left - SLACK && right <= room.right + SLACK && cards.some((other) => other.contains(scrolls)) : isIn
      if (!isReached) wrong.push(`${named(one)} can't be reached`)
      else if (!scrolls && !one.disabled) {
        const hit = document.elementFromPoint((left + right) / 2, (top + bottom) / 2)
        if (!target.contains(hit)) wrong.push(`${named(one)} lies under ${hit && named(hit)}`)
      }
      if (width < 24 - 0.5 || height < 24 - 0.5) wrong.push(`${named(one)} is only ${width.toFixed(1)} x ${height.toFixed(1)} px`)
      const isLarge = height >= 43.5 && width >= 40 - 0.5
      if (coarse && !isLarge && !one.matches('summary, [type=range], #colors input, #retry')) wrong.push(`${named(one)} is ${width.toFixed(1)} x ${height.toFixed(1)} px for a finger`)
    }
    for (const [a, b] of pairs(controls.filter((one) => !one.matches('#colors input')))) {
      if (!a.contains(b) && !b.contains(a) && overlap(a.getBoundingClientRect(), b.getBoundingClientRect())) wrong.push(`${named(a)} is over ${named(b)}`)
    }
  }
  return wrong
}
